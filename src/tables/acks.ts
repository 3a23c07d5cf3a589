/**
 * Which writes are everywhere. Each member has one number: how far it has applied our log. A
 * write is done once every member that was streaming when it was made has reached it or is down.
 *
 * A member that becomes counted starts at our log's head of that moment, so a write made earlier
 * does not wait for it; hence the lowest number over all counted members decides for every
 * write at once, and the waiting ones are plain queues in log order.
 */
import { AckTimeoutError, OverloadedError, type SkeinError } from "../errors.ts";
import type { TableState } from "./table-state.ts";

/** What an acknowledged write has reached. Shared between writes: frozen. */
export interface Reached {
  /** How many other nodes are known to have applied it. */
  readonly nodes: number;
  /** Names of members that were still catching up, or lag, and were not waited for. */
  readonly catchingUp: readonly string[];
  /** Whether no other member was in reach: the write lives on this node only. */
  readonly alone: boolean;
}

/** Told once, when its write is done or has failed. */
export interface Waiter {
  done(reached: Reached): void;
  fail(error: SkeinError): void;
}

/** How many others must have applied a write: all that count, or that many. */
export type AckNeed = "all" | number;

/** Whom a write waits for, and how long, ms. */
export interface AckTerms {
  readonly need: AckNeed;
  readonly timeoutMs: number;
  /** Of a table that may be paused: its writes can be failed together. */
  readonly table?: TableState;
  /** With need "all": so many others at least, however few count. Default 0. */
  readonly least?: number;
}

interface Pending {
  readonly seq: number;
  readonly deadline: number;
  readonly waiter: Waiter;
}

/** First in, first out; all entries have the same terms. */
interface Queue {
  readonly terms: AckTerms;
  entries: Pending[];
  head: number;
}

interface AckMember {
  name: string;
  /** What it is known to have applied. */
  acked: number;
  /** Our log's head when it became counted: writes up to it do not wait for it. */
  countedFrom: number;
  counted: boolean;
  linked: boolean;
  /** Not counted because it was too late; counted again when it is not. */
  lags: boolean;
  /** In this node's opinion, linked or not. */
  alive: boolean;
}

/** The bookkeeping. Members are known by origin id. */
export class Acks {
  readonly #members = new Map<number, AckMember>();
  readonly #queues = new Map<string, Queue>();
  readonly #pendingMax: number;
  #lastQueue: Queue | null = null;
  #pending = 0;
  #reached: Reached | null = null;
  timeouts = 0;

  constructor(pendingMax: number) {
    this.#pendingMax = pendingMax;
  }

  /** Writes that wait. */
  get pending(): number {
    return this.#pending;
  }

  /** A link to a member is up; it is not waited for yet. */
  linked(id: number, name: string): void {
    const member = this.#member(id, name);
    member.name = name;
    member.linked = true;
    member.lags = false;
    this.#changed();
  }

  /** The member is alive, though perhaps not linked: results name it from now on. */
  isAlive(id: number, name: string): void {
    this.#member(id, name).alive = true;
    this.#changed();
  }

  /** The link is gone, which by itself excuses nobody. */
  unlinked(id: number): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.linked = false;
    if (!member.counted && !member.alive) this.#members.delete(id);
    this.#changed();
  }

  /** The member streams: writes after `head` wait for it. */
  count(id: number, head: number): void {
    const member = this.#members.get(id);
    if (member === undefined || member.counted) return;
    member.counted = true;
    member.lags = false;
    member.countedFrom = head;
    this.#changed();
  }

  /** The member is not waited for any more, for it is too late; results name it all the same. */
  excuseLagging(id: number): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.counted = false;
    member.lags = true;
    this.#changed();
    this.settle();
  }

  /** The member is not waited for any more: it is down. */
  excuse(id: number): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.counted = false;
    member.lags = false;
    member.alive = false;
    if (!member.linked) this.#members.delete(id);
    this.#changed();
    this.settle();
  }

  isCounted(id: number): boolean {
    return this.#members.get(id)?.counted === true;
  }

  /** How far a member has applied our log, as far as known. */
  acked(id: number): number {
    return this.#members.get(id)?.acked ?? 0;
  }

  /** Writes after this one wait for the member, as far as it is counted. */
  reached(id: number): number {
    const member = this.#members.get(id);
    return member === undefined ? 0 : reachedBy(member);
  }

  /** A member says, directly or through another, how far it has applied our log. */
  advance(id: number, seq: number): boolean {
    const member = this.#members.get(id);
    if (member === undefined || seq <= member.acked) return false;
    member.acked = seq;
    return true;
  }

  /** Waits until the write is where it is needed. */
  wait(seq: number, terms: AckTerms, now: number, waiter: Waiter): void {
    if (this.#watermark(terms) >= seq) {
      waiter.done(this.#reachedBy(terms.need));
      return;
    }
    const deadline = now + terms.timeoutMs;
    this.#queueFor(terms).entries.push({ seq, deadline, waiter });
    this.#pending++;
  }

  /** Throws OverloadedError when so many more writes may not wait. */
  admit(writes: number): void {
    if (this.#pending + writes <= this.#pendingMax) return;
    throw new OverloadedError(
      `${this.#pending} writes wait for acknowledgement, at most ${this.#pendingMax} may`,
    );
  }

  /** Settles every write that is done by now. */
  settle(): void {
    if (this.#pending === 0) return;
    for (const queue of this.#queues.values()) {
      const watermark = this.#watermark(queue.terms);
      while (queue.head < queue.entries.length) {
        const entry = queue.entries[queue.head] as Pending;
        if (entry.seq > watermark) break;
        this.#take(queue);
        entry.waiter.done(this.#reachedBy(queue.terms.need));
      }
    }
  }

  /** Fails every write whose time is over. */
  expire(now: number): void {
    if (this.#pending === 0) return;
    for (const [key, queue] of this.#queues) {
      while (queue.head < queue.entries.length) {
        const entry = queue.entries[queue.head] as Pending;
        if (entry.deadline > now) break;
        this.#take(queue);
        this.timeouts++;
        entry.waiter.fail(new AckTimeoutError(queue.terms.timeoutMs, this.#missing(entry.seq)));
      }
      if (queue.entries.length > 0) continue;
      this.#queues.delete(key);
      if (queue === this.#lastQueue) this.#lastQueue = null;
    }
  }

  /** Fails every write that waits. */
  failAll(error: SkeinError): void {
    for (const queue of this.#queues.values()) {
      while (queue.head < queue.entries.length) this.#take(queue).waiter.fail(error);
    }
    this.#queues.clear();
    this.#lastQueue = null;
  }

  /** Fails every write that waits for a table for which `errorOf` has an error. */
  failPaused(errorOf: (table: TableState) => SkeinError | null): void {
    for (const queue of this.#queues.values()) {
      if (queue.terms.table === undefined || queue.head === queue.entries.length) continue;
      const error = errorOf(queue.terms.table);
      if (error === null) continue;
      while (queue.head < queue.entries.length) this.#take(queue).waiter.fail(error);
    }
  }

  /** Ids of the members that are waited for. */
  *countedIds(): IterableIterator<number> {
    for (const [id, member] of this.#members) if (member.counted) yield id;
  }

  /** Ids of members that are counted again once they are not too late. */
  *lateIds(): IterableIterator<number> {
    for (const [id, { counted, lags, linked }] of this.#members) {
      if (!counted && (lags || !linked)) yield id;
    }
  }

  #member(id: number, name: string): AckMember {
    let member = this.#members.get(id);
    if (member === undefined) {
      const no = { counted: false, linked: false, lags: false, alive: false };
      member = { name, acked: 0, countedFrom: 0, ...no };
      this.#members.set(id, member);
    }
    return member;
  }

  /** Nearly all writes have the same terms: the queue used last is looked at first. */
  #queueFor(terms: AckTerms): Queue {
    const last = this.#lastQueue;
    if (last !== null && isSame(last.terms, terms)) return last;
    const key = `${terms.need}|${terms.timeoutMs}|${terms.table?.id ?? ""}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { terms, entries: [], head: 0 };
      this.#queues.set(key, queue);
    }
    this.#lastQueue = queue;
    return queue;
  }

  #take(queue: Queue): Pending {
    const entry = queue.entries[queue.head] as Pending;
    queue.head++;
    this.#pending--;
    if (queue.head === queue.entries.length) {
      queue.entries = [];
      queue.head = 0;
    } else if (queue.head >= 4096 && queue.head * 2 > queue.entries.length) {
      queue.entries = queue.entries.slice(queue.head);
      queue.head = 0;
    }
    return entry;
  }

  /** The highest own seq that meets the terms. */
  #watermark({ need, least = 0 }: AckTerms): number {
    if (need !== "all") return this.#reachedByMany(need);
    const lowest = this.#lowest();
    return least === 0 ? lowest : Math.min(lowest, this.#reachedByMany(least));
  }

  /** What every member that counts has reached. */
  #lowest(): number {
    let lowest = Number.POSITIVE_INFINITY;
    for (const member of this.#members.values()) {
      if (member.counted) lowest = Math.min(lowest, reachedBy(member));
    }
    return lowest;
  }

  /** What so many members have applied. */
  #reachedByMany(need: number): number {
    if (need === 0) return Number.POSITIVE_INFINITY;
    const acked: number[] = [];
    for (const member of this.#members.values()) if (member.counted) acked.push(member.acked);
    if (acked.length < need) return -1;
    return acked.sort((a, b) => b - a)[need - 1] as number;
  }

  #missing(seq: number): string[] {
    const names: string[] = [];
    for (const member of this.#members.values()) {
      if (member.counted && reachedBy(member) < seq) names.push(member.name);
    }
    return names;
  }

  #changed(): void {
    this.#reached = null;
  }

  #reachedBy(need: AckNeed): Reached {
    if (need !== "all") {
      const { catchingUp } = this.#reachedBy("all");
      return { nodes: need, catchingUp, alone: this.#members.size === 0 };
    }
    if (this.#reached === null) {
      const members = [...this.#members.values()];
      const nodes = members.filter((member) => member.counted).length;
      const late = members.filter((member) => !member.counted);
      this.#reached = Object.freeze({
        nodes,
        catchingUp: Object.freeze(late.map((member) => member.name)),
        alone: nodes === 0,
      });
    }
    return this.#reached;
  }
}

function isSame(a: AckTerms, b: AckTerms): boolean {
  return a.need === b.need && a.timeoutMs === b.timeoutMs && a.table === b.table;
}

function reachedBy(member: AckMember): number {
  return Math.max(member.acked, member.countedFrom);
}
