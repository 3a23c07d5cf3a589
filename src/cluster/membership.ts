/**
 * Who is known. Pure: a list of the other nodes' open incarnations with their beats, fed by
 * handshakes and by the gossip in pings. Of one name only the newest incarnation is kept; an
 * incarnation once closed is never taken in again.
 */
import type { MemberIdentity } from "./cluster-events.ts";
import type { Side, Verdict } from "./cluster-frames.ts";

/** What learning about an incarnation came to. */
export type Learned =
  /** Not known before, or its beat rose. `superseded` are the older incarnations of its name. */
  | { readonly kind: "new" | "risen"; readonly superseded: readonly number[] }
  /** Known, and nothing new about it. */
  | { readonly kind: "same" }
  /** Nobody to take in: closed, older than a known one of its name, or the list is full. */
  | { readonly kind: "closed" | "superseded" | "full" }
  /** It is this node, or it bears the name that another name is known for. */
  | { readonly kind: "self" | "misnamed" }
  /** A newer incarnation of this node's own name. */
  | { readonly kind: "successor" };

/** One known incarnation of another node. */
export interface KnownMember {
  readonly identity: MemberIdentity;
  readonly beat: number;
}

/** What a Membership is made of. */
export interface MembershipOptions {
  readonly self: MemberIdentity;
  /** Other nodes known, at most. */
  readonly maxMembers: number;
  /** Whether the layer above has closed that origin; asked besides the own memory. */
  isClosed(origin: number): boolean;
}

interface Entry {
  readonly identity: MemberIdentity;
  beat: number;
}

/** Closed origins remembered here; the layer above remembers all of them. */
const CLOSED_MAX = 10_000;
const SAME: Learned = { kind: "same" };
const NONE: readonly number[] = [];

export class Membership {
  readonly #options: MembershipOptions;
  readonly #entries = new Map<number, Entry>();
  /** The newest known origin of each name; one entry per name, so names map to members. */
  readonly #byName = new Map<string, number>();
  readonly #closed = new Set<number>();
  #ignored = 0;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Incarnations that were told of and not taken in because the list is full. */
  get ignoredCount(): number {
    return this.#ignored;
  }

  get(origin: number): KnownMember | undefined {
    return this.#entries.get(origin);
  }

  /** In the order in which they became known. */
  list(): IterableIterator<KnownMember> {
    return this.#entries.values();
  }

  isClosed(origin: number): boolean {
    return this.#closed.has(origin) || this.#options.isClosed(origin);
  }

  /** Takes in what a handshake (beat 0) or a ping says of one incarnation. */
  learn(identity: MemberIdentity, beat: number): Learned {
    const entry = this.#entries.get(identity.origin);
    if (entry !== undefined) {
      if (entry.identity.name !== identity.name) return { kind: "misnamed" };
      if (beat <= entry.beat) return SAME;
      entry.beat = beat;
      return { kind: "risen", superseded: NONE };
    }
    const { self } = this.#options;
    if (identity.origin === self.origin) return { kind: "self" };
    if (this.isClosed(identity.origin)) return { kind: "closed" };
    if (identity.name === self.name) {
      return { kind: identity.origin > self.origin ? "successor" : "superseded" };
    }
    const older = this.#byName.get(identity.name);
    if (older !== undefined && older > identity.origin) return { kind: "superseded" };
    if (older === undefined && this.#entries.size >= this.#options.maxMembers) {
      this.#ignored++;
      return { kind: "full" };
    }
    if (older !== undefined) this.#entries.delete(older);
    const { origin, name, nodeNumber, address } = identity;
    this.#entries.set(origin, { identity: { origin, name, nodeNumber, address }, beat });
    this.#byName.set(name, origin);
    if (older === undefined) return { kind: "new", superseded: NONE };
    this.#remember(older);
    return { kind: "new", superseded: [older] };
  }

  /** Forgets an incarnation and never takes it in again. Returns it if it was known. */
  close(origin: number): MemberIdentity | undefined {
    this.#remember(origin);
    const entry = this.#entries.get(origin);
    if (entry === undefined) return undefined;
    this.#entries.delete(origin);
    if (this.#byName.get(entry.identity.name) === origin) this.#byName.delete(entry.identity.name);
    return entry.identity;
  }

  /** What this node holds of somebody who introduces himself. Changes nothing. */
  verdictOn(identity: Pick<MemberIdentity, "origin" | "name">): Verdict {
    const { self } = this.#options;
    const newest = identity.name === self.name ? self.origin : this.#byName.get(identity.name);
    if (newest !== undefined && newest > identity.origin) return "superseded";
    return this.isClosed(identity.origin) ? "closed" : "open";
  }

  /** Whether that origin is known under another name. */
  isMisnamed(identity: Pick<MemberIdentity, "origin" | "name">): boolean {
    const known = this.#entries.get(identity.origin);
    return known !== undefined && known.identity.name !== identity.name;
  }

  /** This node's side, should the cluster be in two halves that have closed one another. */
  side(): Side {
    let lowestOrigin = this.#options.self.origin;
    for (const origin of this.#entries.keys()) lowestOrigin = Math.min(lowestOrigin, origin);
    return { openMembers: this.#entries.size + 1, lowestOrigin };
  }

  #remember(origin: number): void {
    this.#closed.add(origin);
    if (this.#closed.size <= CLOSED_MAX) return;
    for (const oldest of this.#closed) {
      this.#closed.delete(oldest);
      return;
    }
  }
}
