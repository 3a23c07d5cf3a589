/**
 * Keys that others may have written to by this node's word. In `quorum` mode a majority is asked
 * before a call decides; whoever says yes remembers the key as pledged until it holds what the call
 * wrote, or knows that it wrote nothing. So the next leader hears of the call although it may hear
 * nothing of what it wrote: of a majority, one has pledged the key. It keeps the key reserved until
 * the caller itself is heard, or is retired: all members agree then on all that it ever wrote.
 */
import type { Origins } from "../origins.ts";
import { type AskedKey, PLEDGES_MAX, type PledgedKey, type Released } from "./serial-frames.ts";

interface Pledge {
  readonly resource: string;
  /** It ends once this much of the caller's log is here; null while the call is under way. */
  upTo: number | null;
}

/** The list. */
export class Pledges {
  readonly #origins: Origins;
  /** By origin and request. */
  readonly #pledges = new Map<number, Map<number, Pledge>>();

  constructor(origins: Origins) {
    this.#origins = origins;
  }

  get isFull(): boolean {
    let size = 0;
    for (const requests of this.#pledges.values()) size += requests.size;
    return size >= PLEDGES_MAX;
  }

  add(origin: number, asked: readonly Pick<AskedKey, "request" | "resource">[]): void {
    if (asked.length === 0) return;
    let requests = this.#pledges.get(origin);
    if (requests === undefined) {
      requests = new Map();
      this.#pledges.set(origin, requests);
    }
    for (const { request, resource } of asked) requests.set(request, { resource, upTo: null });
  }

  /** Calls of that origin have ended. */
  ended(origin: number, released: readonly Released[]): void {
    for (const { request, upTo } of released) {
      const pledge = this.#pledges.get(origin)?.get(request);
      if (pledge !== undefined) pledge.upTo = upTo;
    }
  }

  /** The origin says which of its calls are under way: the others ended before `upTo`. */
  heard(origin: number, open: readonly PledgedKey[], upTo: number): void {
    for (const pledge of this.#pledges.get(origin)?.values() ?? []) pledge.upTo ??= upTo;
    this.add(origin, open);
  }

  /** Those that hold by now. */
  list(): PledgedKey[] {
    const pledged: PledgedKey[] = [];
    for (const [origin, requests] of this.#pledges) {
      const index = this.#origins.find(origin);
      for (const [request, { resource, upTo }] of requests) {
        const isHere = upTo === 0 || (index >= 0 && this.#origins.covered(index, upTo ?? Infinity));
        if (isHere || this.#origins.retired.has(origin)) requests.delete(request);
        else pledged.push({ origin, request, resource });
      }
      if (requests.size === 0) this.#pledges.delete(origin);
    }
    return pledged;
  }
}
