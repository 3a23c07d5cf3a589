/**
 * The leader's list of keys: who holds which one, and who waits for it, first come first served.
 * A key that was given back is free once this node holds all that its holder wrote. A key of a
 * holder whose link broke stays reserved until its ops are here (`free`): it may have written.
 */
import type { AskedKey, PledgedKey, Released } from "./serial-frames.ts";

/** A request, and whose it is. */
export interface Waiting extends AskedKey {
  readonly origin: number;
}

interface Holder {
  readonly origin: number;
  readonly request: number;
  /** Given back: free once so much of the holder's log is here. */
  upTo: number | null;
  /** Its link broke since. */
  orphaned: boolean;
}

interface Entry {
  readonly holders: Holder[];
  readonly queue: Waiting[];
}

/** The list. */
export class Reservations {
  readonly #entries = new Map<string, Entry>();
  /** Resource by request, by origin. */
  readonly #requests = new Map<number, Map<number, string>>();
  readonly #grantable = new Set<string>();
  /** Resources with a key given back whose ops are not here yet. */
  readonly #draining = new Set<string>();

  /** Keys held or waited for. */
  get size(): number {
    return this.#entries.size;
  }

  /** Requests of that origin, held or waiting. */
  requestsOf(origin: number): number {
    return this.#requests.get(origin)?.size ?? 0;
  }

  ask(waiting: Waiting): void {
    const { origin, request, resource } = waiting;
    this.#entry(resource).queue.push(waiting);
    this.#name(origin, request, resource);
    this.#grantable.add(resource);
  }

  /** Takes over a key that the origin holds by word of an earlier leader, or held before. */
  adopt(origin: number, { request, resource }: AskedKey): void {
    const { holders } = this.#entry(resource);
    const known = holders.find((one) => one.origin === origin && one.request === request);
    if (known !== undefined) known.orphaned = false;
    else holders.push({ origin, request, upTo: null, orphaned: false });
    this.#name(origin, request, resource);
  }

  /** Keeps a key reserved that the origin may have written to, by what others have pledged. */
  keep({ origin, request, resource }: PledgedKey): void {
    const { holders } = this.#entry(resource);
    if (holders.some((one) => one.origin === origin && one.request === request)) return;
    holders.push({ origin, request, upTo: null, orphaned: true });
    this.#name(origin, request, resource);
  }

  /** Origins that hold keys or wait for them. */
  origins(): IterableIterator<number> {
    return this.#requests.keys();
  }

  /** The origin gives a key back, or does not want it any more. */
  release(origin: number, { request, upTo }: Released): void {
    const resource = this.#requests.get(origin)?.get(request);
    const entry = resource === undefined ? undefined : this.#entries.get(resource);
    if (resource === undefined || entry === undefined) return;
    const holder = entry.holders.find((one) => one.origin === origin && one.request === request);
    if (holder !== undefined) {
      holder.upTo = upTo;
      this.#draining.add(resource);
      return;
    }
    const at = entry.queue.findIndex((one) => one.origin === origin && one.request === request);
    if (at >= 0) entry.queue.splice(at, 1);
    this.#unname(origin, request);
    this.#tidy(resource, entry);
  }

  /** Frees the keys given back whose ops are here. */
  drain(covers: (origin: number, seq: number) => boolean): void {
    for (const resource of this.#draining) {
      const entry = this.#entries.get(resource) as Entry;
      this.#drop(resource, entry, ({ origin, upTo }) => upTo !== null && covers(origin, upTo));
      if (!entry.holders.some(({ upTo }) => upTo !== null)) this.#draining.delete(resource);
    }
  }

  /** The link to that origin broke: it waits for nothing any more, what it holds stays reserved. */
  orphan(origin: number): void {
    for (const resource of this.#resourcesOf(origin)) {
      const entry = this.#entries.get(resource) as Entry;
      for (const holder of entry.holders) if (holder.origin === origin) holder.orphaned = true;
      for (const waiting of entry.queue) {
        if (waiting.origin === origin) this.#unname(origin, waiting.request);
      }
      const left = entry.queue.filter((waiting) => waiting.origin !== origin);
      entry.queue.splice(0, entry.queue.length, ...left);
      this.#tidy(resource, entry);
    }
  }

  /** All that the origin wrote before its link broke is here: its keys of that time are free. */
  free(origin: number): void {
    for (const resource of this.#resourcesOf(origin)) {
      const entry = this.#entries.get(resource);
      if (entry === undefined) continue;
      this.#drop(resource, entry, (one) => one.origin === origin && one.orphaned);
    }
  }

  /** Gives free keys to those who wait first; `may` says whether that one may be served now. */
  grant(may: (waiting: Waiting) => boolean, give: (waiting: Waiting) => void): void {
    for (const resource of this.#grantable) {
      const entry = this.#entries.get(resource);
      const first = entry?.queue[0];
      if (entry === undefined || first === undefined || entry.holders.length > 0) {
        this.#grantable.delete(resource);
      } else if (may(first)) {
        this.#grantable.delete(resource);
        entry.queue.shift();
        const { origin, request } = first;
        entry.holders.push({ origin, request, upTo: null, orphaned: false });
        give(first);
      }
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#requests.clear();
    this.#grantable.clear();
    this.#draining.clear();
  }

  #drop(resource: string, entry: Entry, isFree: (holder: Holder) => boolean): void {
    const { holders } = entry;
    for (let at = holders.length - 1; at >= 0; at--) {
      const holder = holders[at] as Holder;
      if (!isFree(holder)) continue;
      this.#unname(holder.origin, holder.request);
      holders.splice(at, 1);
    }
    this.#tidy(resource, entry);
  }

  #tidy(resource: string, entry: Entry): void {
    if (entry.holders.length > 0) return;
    if (entry.queue.length > 0) this.#grantable.add(resource);
    else {
      this.#entries.delete(resource);
      this.#draining.delete(resource);
      this.#grantable.delete(resource);
    }
  }

  #resourcesOf(origin: number): Set<string> {
    return new Set(this.#requests.get(origin)?.values() ?? []);
  }

  #entry(resource: string): Entry {
    let entry = this.#entries.get(resource);
    if (entry === undefined) {
      entry = { holders: [], queue: [] };
      this.#entries.set(resource, entry);
    }
    return entry;
  }

  #name(origin: number, request: number, resource: string): void {
    let requests = this.#requests.get(origin);
    if (requests === undefined) {
      requests = new Map();
      this.#requests.set(origin, requests);
    }
    requests.set(request, resource);
  }

  #unname(origin: number, request: number): void {
    const requests = this.#requests.get(origin);
    requests?.delete(request);
    if (requests?.size === 0) this.#requests.delete(origin);
  }
}
