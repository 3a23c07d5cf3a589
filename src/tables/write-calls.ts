/**
 * From a write to its promise: the options of write calls, time-outs, abort signals and results.
 * Part of the tables' public face.
 */
import { AbortedError, InvalidArgumentError, type SkeinError } from "../errors.ts";
import type { AckNeed, Reached, Waiter } from "./acks.ts";
import { type Abort, CALL_TIMEOUT_MS, checkTimeout, onAbort } from "./call-options.ts";
import type { TableState } from "./table-state.ts";
import type { Tables } from "./tables.ts";

const ACK_NODES_MAX = 10_000;

/** Options of every write. */
export interface WriteOptions {
  /**
   * Who must have applied the write before the promise resolves: `all` members that stream (the
   * default), a `majority` of `clusterSize`, `none`, or a number of other nodes.
   */
  readonly ack?: "all" | "majority" | "none" | number;
  /** The promise rejects after so many ms; the write stands. Default 10,000. */
  readonly timeoutMs?: number;
  /** Rejects the promise when it fires; the write stands. */
  readonly signal?: Abort;
}

/** What a write has come to. */
export interface WriteResult extends Reached {
  /** False if there was nothing to do: no row to patch, delete or remove. */
  readonly applied: boolean;
}

/** Makes the promises of one node's tables. */
export class WriteCalls {
  #tables: Tables;
  readonly #clusterSize: number | undefined;
  #rejected = 0;
  #ended: SkeinError | null = null;

  constructor(tables: Tables, clusterSize: number | undefined) {
    this.#tables = tables;
    this.#clusterSize = clusterSize;
  }

  get tables(): Tables {
    return this.#tables;
  }

  /** The node goes on as a new incarnation. */
  rebind(tables: Tables): void {
    this.#tables = tables;
  }

  /** The node is over: every later write fails with that error. */
  end(error: SkeinError): void {
    this.#ended = error;
  }

  /** Throws unless that table may be written now. */
  checkWritable(table: TableState): void {
    if (this.#ended !== null) throw this.#ended;
    this.tables.checkWritable(1, table);
  }

  /** That promise; if it rejects, it is counted and does not end the process unawaited. */
  watched<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => this.#rejected++);
    return promise;
  }

  /** A promise that is rejected with that error. */
  rejection<T>(error: unknown): Promise<T> {
    return this.watched(Promise.reject<T>(error));
  }

  /** Writes whose promise was rejected, awaited or not. */
  get rejected(): number {
    return this.#rejected;
  }

  /**
   * Checks the options and that the table may be written, then makes the write, then waits for it.
   * `write` returns the seq of its last op, 0 if there was nothing to do. Without a table it is
   * no write, and only waits.
   */
  run(
    of: { readonly state: TableState } | null,
    options: WriteOptions | undefined,
    write: () => number,
  ): Promise<WriteResult> {
    const call = new WriteCall(() => this.#rejected++);
    try {
      const table = of?.state ?? null;
      if (table !== null && table.split !== "merge") {
        const { split } = this.tables;
        call.pausedBy = () => split.errorOf(table, true);
      }
      const need = this.#need(options?.ack ?? "all");
      const timeoutMs = checkTimeout("timeoutMs", options?.timeoutMs ?? CALL_TIMEOUT_MS);
      if (this.#ended !== null) throw this.#ended;
      this.tables.checkWritable(1, table);
      if (options?.signal?.aborted === true)
        throw new AbortedError("aborted before it was written");
      const seq = write();
      call.applied = seq > 0;
      // A call that changed nothing still waits for what it saw: everything written before it.
      const upTo = seq > 0 ? seq : this.tables.replica.nextSeq - 1;
      this.tables.wait(upTo, { need, timeoutMs }, call, table);
      if (options?.signal !== undefined) call.failOn(options.signal);
    } catch (error) {
      call.fail(error as SkeinError);
    }
    return call.promise;
  }

  #need(ack: "all" | "majority" | "none" | number): AckNeed {
    if (ack === "all") return "all";
    if (ack === "none") return 0;
    if (ack === "majority") {
      if (this.#clusterSize === undefined) {
        throw new InvalidArgumentError('ack "majority" needs the node\'s option clusterSize');
      }
      return Math.floor(this.#clusterSize / 2);
    }
    if (Number.isInteger(ack) && ack >= 0 && ack <= ACK_NODES_MAX) return ack;
    throw new InvalidArgumentError(
      `ack is ${String(ack)}, allowed are "all", "majority", "none" and 0 to ${ACK_NODES_MAX}`,
    );
  }
}

/** One promise. A rejection that nobody awaits is counted and does not end the process. */
class WriteCall implements Waiter {
  readonly promise: Promise<WriteResult>;
  applied = true;
  /** Of a table that may be paused: why it is by now. */
  pausedBy: (() => SkeinError | null) | null = null;
  #resolve!: (result: WriteResult) => void;
  #reject!: (error: SkeinError) => void;
  #settled = false;
  readonly #failed: () => void;
  #unlisten: (() => void) | null = null;

  constructor(failed: () => void) {
    this.#failed = failed;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Rejects the promise when the signal fires, unless it is settled by then. */
  failOn(signal: Abort): void {
    if (!this.#settled) this.#unlisten = onAbort(signal, () => this.fail(abortedError()));
  }

  done(reached: Reached): void {
    // Whoever was waited for may be gone because this is the wrong side of a split.
    const paused = this.pausedBy?.() ?? null;
    if (paused !== null) return this.fail(paused);
    this.#settle();
    this.#resolve(resultOf(reached, this.applied));
  }

  fail(error: SkeinError): void {
    if (this.#settled) return;
    this.#settle();
    this.#failed();
    this.promise.catch(() => {});
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#unlisten?.();
  }
}

/** Results are shared as long as what was reached is the same. */
const results = new WeakMap<Reached, { applied: WriteResult; idle: WriteResult }>();

function resultOf(reached: Reached, applied: boolean): WriteResult {
  let pair = results.get(reached);
  if (pair === undefined) {
    pair = {
      applied: Object.freeze({ ...reached, applied: true }),
      idle: Object.freeze({ ...reached, applied: false }),
    };
    results.set(reached, pair);
  }
  return applied ? pair.applied : pair.idle;
}

function abortedError(): AbortedError {
  return new AbortedError("aborted; the write stands on this node and goes on spreading");
}
