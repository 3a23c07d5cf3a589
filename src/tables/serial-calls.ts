/**
 * From a serial call to its promise: what each of the calls decides while its key is reserved,
 * its options and its errors. Part of the tables' public face.
 */
import { AbortedError, InvalidArgumentError, type SkeinError } from "../errors.ts";
import { type Abort, CALL_TIMEOUT_MS, checkTimeout, onAbort } from "./call-options.ts";
import { encodeKey, type Key } from "./key.ts";
import { type Decision, ReservedKey } from "./serial/decisions.ts";
import type { Pending, SerialCall } from "./serial/requests.ts";
import type { TableReads } from "./table-reads.ts";
import type { WriteCalls } from "./write-calls.ts";

/** How serial operations of a table behave when the cluster is split. */
export type SerialMode = "available" | "quorum";

/** Options of serial calls. */
export interface SerialOptions {
  /** The promise rejects after so many ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** Rejects the promise when it fires; what was written stands. */
  readonly signal?: Abort;
}

/** Options of `withKey`. */
export interface HoldOptions extends SerialOptions {
  /** The key is given back after so many ms at the latest. Default 10,000. */
  readonly holdMs?: number;
}

/** What the code inside `withKey` sees of its key. */
export interface KeyHold {
  /** False once the key was given back: stop then. */
  readonly isHeld: boolean;
}

/** The serial calls of one table. */
export class SerialCalls {
  readonly #reads: TableReads;
  readonly #calls: WriteCalls;
  readonly #quorum: boolean;

  constructor(reads: TableReads, calls: WriteCalls, mode: SerialMode) {
    this.#reads = reads;
    this.#calls = calls;
    this.#quorum = mode === "quorum";
  }

  insertNew(key: Key, value: unknown, options?: SerialOptions): Promise<boolean> {
    return this.#start(options, () => {
      const encoded = this.#reads.encode(value);
      return { key, decide: (reserved) => reserved.insertNew(encoded) };
    });
  }

  getOrInsert<V>(
    key: Key,
    make: V | (() => V),
    options?: SerialOptions,
  ): Promise<{ inserted: boolean; value: V }> {
    return this.#start(options, () => {
      const isMaker = isFunction<() => V>(make);
      const given = isMaker ? "" : this.#reads.encode(make);
      const encode = (): string => (isMaker ? this.#reads.encode(make()) : given);
      return {
        key,
        decide: (reserved) =>
          reserved.getOrInsert(encode) as Decision<{ inserted: boolean; value: V }>,
      };
    });
  }

  setSerial<V>(
    key: Key,
    change: V | ((current: V | undefined) => V | undefined),
    options?: SerialOptions,
  ): Promise<V | undefined> {
    return this.#start(options, () => {
      const isChanger = isFunction<(current: V | undefined) => V | undefined>(change);
      const given = isChanger ? "" : this.#reads.encode(change);
      const encode = (current: unknown): string | undefined =>
        isChanger ? this.#encodeChange(change(current as V | undefined)) : given;
      return { key, decide: (reserved) => reserved.set(encode) as Decision<V | undefined> };
    });
  }

  replaceIf(key: Key, version: string, value: unknown, options?: SerialOptions): Promise<boolean> {
    return this.#start(options, () => {
      if (typeof version !== "string") {
        throw new InvalidArgumentError(`version is ${String(version)}, take that of an entry`);
      }
      const encoded = this.#reads.encode(value);
      return { key, decide: (reserved) => reserved.replaceIf(version, encoded) };
    });
  }

  withKey<T>(key: Key, fn: (hold: KeyHold) => T | Promise<T>, options?: HoldOptions): Promise<T> {
    if (typeof fn !== "function") {
      const error = new InvalidArgumentError(`withKey got ${String(fn)}, it takes a function`);
      return this.#calls.rejection(error);
    }
    const settled = new Promise<T>((resolve, reject) => {
      const hold = { isHeld: false };
      let outcome: () => void = () => {};
      let pending: Pending | null = null;
      const begin = (): null => {
        this.#calls.checkWritable(this.#reads.state);
        hold.isHeld = true;
        const end = (settle: () => void): void => {
          outcome = settle;
          if (pending !== null) this.#calls.tables.serial.finish(pending);
        };
        void Promise.resolve(hold)
          .then(fn)
          .then(
            (result) => end(() => resolve(result)),
            (error: unknown) => end(() => reject(error)),
          );
        return null;
      };
      const over = (settle: () => void): void => {
        hold.isHeld = false;
        settle();
      };
      pending = this.#request(key, options, {
        holdMs: checkTimeout("holdMs", options?.holdMs ?? CALL_TIMEOUT_MS),
        run: begin,
        done: () =>
          this.#unlessPaused(
            true,
            () => over(outcome),
            (error) => over(() => reject(error)),
          ),
        fail: (error) => over(() => reject(error)),
      });
    });
    return this.#calls.watched(settled);
  }

  /** Checks and encodes everything, then asks for the key. */
  #start<T>(
    options: SerialOptions | undefined,
    prepare: () => {
      readonly key: Key;
      readonly decide: (reserved: ReservedKey) => Decision<T>;
    },
  ): Promise<T> {
    const settled = new Promise<T>((resolve, reject) => {
      const { key, decide } = prepare();
      let result: T;
      let decidedSeq = 0;
      this.#request(key, options, {
        holdMs: null,
        run: () => {
          // This side may have been paused since the key was asked for.
          this.#calls.checkWritable(this.#reads.state);
          const decision = decide(this.#reserved(key));
          result = decision.result;
          decidedSeq = decision.seq;
          return decision.seq;
        },
        done: () => this.#unlessPaused(decidedSeq > 0, () => resolve(result), reject),
        fail: reject,
      });
    });
    return this.#calls.watched(settled);
  }

  /** Whoever had to have what was written may be gone because this is the wrong side of a split. */
  #unlessPaused(isWritten: boolean, done: () => void, fail: (error: SkeinError) => void): void {
    const { isRemoved } = this.#reads;
    const error = isRemoved ? null : this.#calls.tables.split.errorOf(this.#reads.state, isWritten);
    if (error === null) done();
    else fail(error);
  }

  /** A function's result; undefined removes the row. */
  #encodeChange(value: unknown): string | undefined {
    return value === undefined ? undefined : this.#reads.encode(value);
  }

  #reserved(key: Key): ReservedKey {
    const { write, replica } = this.#calls.tables;
    const { state } = this.#reads;
    const { ids } = replica.origins;
    return new ReservedKey({ state, write, ids, key: encodeKey(key), quorum: this.#quorum });
  }

  #request(
    key: Key,
    options: SerialOptions | undefined,
    of: Pick<SerialCall, "holdMs" | "run" | "done" | "fail">,
  ): Pending {
    const timeoutMs = checkTimeout("timeoutMs", options?.timeoutMs ?? CALL_TIMEOUT_MS);
    this.#calls.checkWritable(this.#reads.state);
    if (options?.signal?.aborted === true) throw new AbortedError("aborted before it began");
    const { tables } = this.#calls;
    let unlisten = (): void => {};
    const pending = tables.serial.request({
      ...of,
      done: () => {
        unlisten();
        of.done();
      },
      fail: (error) => {
        unlisten();
        of.fail(error);
      },
      resource: `${this.#reads.state.id}|${encodeKey(key)}`,
      quorum: this.#quorum,
      deadline: tables.now() + timeoutMs,
    });
    if (options?.signal !== undefined && pending.stage !== "over") {
      const cancel = (): void => tables.serial.cancel(pending, new AbortedError("aborted"));
      unlisten = onAbort(options.signal, cancel);
    }
    return pending;
  }
}

function isFunction<F>(value: unknown): value is F {
  return typeof value === "function";
}
