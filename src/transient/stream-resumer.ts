/**
 * The asking side of resumption: requests for streams that other nodes hold, and what becomes of
 * them. A request is looked at again whenever a row that it depends on has changed; what the rows
 * say decides, not what has happened to them.
 */
import { OverloadedError } from "../errors.ts";
import type { WatchEvent } from "../tables/change.ts";
import type { StreamTables } from "./stream-holder.ts";
import type { Resumption, StreamPackage } from "./stream-options.ts";
import type { StreamRow } from "./stream-rows.ts";

/** Requests that may wait at once. */
const PENDING_MAX = 10_000;

/** A request that waits for its answer. */
interface Pending<T> {
  readonly resumeId: string;
  readonly key: readonly [resumeId: string, requestId: string];
  /** The stream as it was when it was asked for. */
  readonly row: StreamRow;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (resumption: Resumption<T>) => void;
}

/** What the resumer leaves to others. */
export interface ResumerParts<T> {
  /** Makes this node the holder. */
  take(resumeId: string, row: StreamRow, given: StreamPackage<T>): Resumption<T>;
  /** What is said of a stream that is not there. */
  gone(resumeId: string): Resumption<T>;
}

/** The requests of this node. */
export class StreamResumer<T> {
  readonly #tables: StreamTables<T>;
  readonly #parts: ResumerParts<T>;
  readonly #pending = new Map<string, Set<Pending<T>>>();
  #count = 0;

  constructor(tables: StreamTables<T>, parts: ResumerParts<T>) {
    this.#tables = tables;
    this.#parts = parts;
    const changed = (event: WatchEvent<unknown>) => this.#changed(event);
    tables.streams.watch({}, changed);
    tables.answers.watch({ types: ["set"] }, changed);
  }

  /** Asks the node that holds a stream for it. */
  async ask(
    resumeId: string,
    row: StreamRow,
    request: {
      readonly id: string;
      readonly node: string;
      readonly acknowledged: number;
      readonly timeoutMs: number;
    },
  ): Promise<Resumption<T>> {
    if (this.#count >= PENDING_MAX) {
      throw new OverloadedError(`${PENDING_MAX} streams are being resumed, no more may be`);
    }
    const { node, acknowledged, timeoutMs } = request;
    const key = [resumeId, request.id] as const;
    const { holder } = row;
    const asked = { holder, node, acknowledged };
    const written = this.#tables.requests.set(key, asked, { ack: "none" });
    // A write that was made is seen at once: what is not seen rejects with the reason.
    if (!this.#tables.requests.has(key)) await written;
    return new Promise((resolve) => {
      const unanswered = { outcome: "unanswered", node: row.node } as const;
      const timer = setTimeout(() => this.#finish(pending, unanswered), timeoutMs);
      const pending: Pending<T> = { resumeId, key, row, timer, resolve };
      const others = this.#pending.get(resumeId) ?? new Set();
      this.#pending.set(resumeId, others.add(pending));
      this.#count++;
    });
  }

  #changed(event: WatchEvent<unknown>): void {
    if (event.type === "missed") {
      for (const resumeId of [...this.#pending.keys()]) this.#check(resumeId);
      return;
    }
    const { key } = event;
    this.#check(typeof key === "string" ? key : (key as unknown as [string])[0]);
  }

  #check(resumeId: string): void {
    for (const pending of [...(this.#pending.get(resumeId) ?? [])]) {
      const outcome = this.#outcomeOf(pending);
      if (outcome !== undefined) this.#finish(pending, outcome);
    }
  }

  #outcomeOf({ resumeId, key, row }: Pending<T>): Resumption<T> | undefined {
    const current = this.#tables.streams.get(resumeId);
    if (current === undefined) return this.#parts.gone(resumeId);
    if (current.holder !== row.holder) return { outcome: "taken", by: current.node };
    const { answers } = this.#tables;
    const answer = answers.get(key);
    if (answer === undefined || answer.kind === "stanza") return undefined;
    if (answer.kind === "refused") {
      if (answer.reason === "taken") return { outcome: "taken", by: undefined };
      return { outcome: "tooLarge", node: row.node };
    }
    const stanzas: T[] = [];
    for (let at = 0; at < answer.count; at++) {
      const one = answers.get([...key, at]);
      if (one?.kind === "stanza") stanzas.push(one.stanza);
    }
    return this.#parts.take(resumeId, row, { received: answer.received, stanzas });
  }

  #finish(pending: Pending<T>, resumption: Resumption<T>): void {
    const others = this.#pending.get(pending.resumeId);
    if (others?.delete(pending) !== true) return;
    this.#count--;
    if (others.size === 0) this.#pending.delete(pending.resumeId);
    clearTimeout(pending.timer);
    // After the stream was taken over: the holder must not take it for given up.
    void this.#tables.requests.withdraw(pending.key, { ack: "none" });
    pending.resolve(resumption);
  }
}
