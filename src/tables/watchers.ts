/** The watchers of one declared table: what they may ask for, and where they listen. */
import { InvalidArgumentError, InvalidOptionsError, OverloadedError } from "../errors.ts";
import { onAbort } from "./call-options.ts";
import type { Change, DeleteEvent, SetEvent, WatchEvent } from "./change.ts";
import { ChangeFeed, type ChangeSink } from "./change-feed.ts";
import { decodeKey, encodeKey, type PrefixRange, prefixRange } from "./key.ts";
import type { SecondaryIndex } from "./secondary-index.ts";
import type { TableReads } from "./table-reads.ts";
import { decodeValue } from "./value.ts";
import { Watch, type WatchOptions } from "./watch.ts";
import { QUEUE_MAX_LIMITS, WatchQueue } from "./watch-queue.ts";

const WATCHERS_MAX = 10_000;
const KNOWN = new Set([
  "key",
  "prefix",
  "index",
  "types",
  "reasons",
  "where",
  "buffer",
  "signal",
] as const satisfies (keyof WatchOptions<never>)[]);

/** One table's watchers. */
export class Watchers {
  readonly #reads: TableReads;
  readonly #sinks = new Set<ChangeSink>();

  constructor(reads: TableReads) {
    this.#reads = reads;
  }

  /**
   * Watches from now on.
   * @throws InvalidOptionsError, InvalidKeyError, TableError for an index that is not there
   */
  watch<V, I extends string>(
    options: WatchOptions<V, I>,
    listener: ((event: WatchEvent<V>) => void) | null,
  ): Watch<V> {
    checkOptions(options, listener);
    if (this.#sinks.size >= WATCHERS_MAX) {
      throw new OverloadedError(`${WATCHERS_MAX} watchers of one table, no more may be`);
    }
    const { buffer = QUEUE_MAX_LIMITS.usual, signal } = options;
    let unlisten = (): void => {};
    const watch = new Watch<V>({
      queue: new WatchQueue(buffer, this.#reads.state.type === "set"),
      accepts: acceptor(options),
      eventOf: this.#eventMaker(options),
      listener,
      failed: (error) => this.#reads.tables.replica.deliveries.failed(error),
      stopped: (stopped) => {
        unlisten();
        this.remove(stopped);
      },
    });
    if (signal?.aborted === true) {
      watch.stop();
      return watch;
    }
    this.add(watch);
    if (signal !== undefined) unlisten = onAbort(signal, () => watch.stop());
    return watch;
  }

  /** Adds one that is told of all changes. */
  add(sink: ChangeSink): void {
    this.#sinks.add(sink);
    const { state, tables } = this.#reads;
    const { origins, deliveries } = tables.replica;
    state.feed ??= new ChangeFeed(state, origins, deliveries);
    state.feed.add(sink);
  }

  /** Takes one out; the last one takes the watch of the table with it. */
  remove(sink: ChangeSink): void {
    const { state } = this.#reads;
    this.#sinks.delete(sink);
    if (state.feed !== null && !state.feed.remove(sink)) state.feed = null;
  }

  /** The node goes on as a new incarnation, with a table that is filled afresh. */
  rebind(): void {
    for (const sink of [...this.#sinks]) {
      if (sink instanceof Watch) sink.miss();
      this.add(sink);
    }
    // Told by itself: it may be long until the next change of this table.
    const { state, tables } = this.#reads;
    if (state.feed !== null) tables.replica.deliveries.add(state.feed);
  }

  /** The table is no longer declared. */
  stop(): void {
    for (const sink of [...this.#sinks]) {
      if (sink instanceof Watch) sink.stop();
      else this.remove(sink);
    }
  }

  #eventMaker<V, I extends string>(
    options: WatchOptions<V, I>,
  ): (change: Change) => SetEvent<V> | DeleteEvent<V> | null {
    const { where } = options;
    const index = options.index === undefined ? null : this.#reads.index(options.index.name);
    const indexValue = options.index === undefined ? "" : encodeKey(options.index.value);
    return (change) => {
      const event = this.#event<V>(change);
      if (index !== null && !isIndexed(index, indexValue, event)) return null;
      if (where === undefined) return event;
      try {
        return where(event) ? event : null;
      } catch (error) {
        this.#reads.tables.replica.deliveries.failed(error);
        return null;
      }
    };
  }

  #event<V>({ key, value, previous, owner, reason }: Change): SetEvent<V> | DeleteEvent<V> {
    const common = {
      key: decodeKey(key),
      owner: this.#reads.nameOf(owner),
      ownerOrigin: owner,
      reason,
    };
    const before = previous === null ? undefined : (readable(previous) as V);
    if (value === null) {
      return { type: "delete", ...common, value: undefined, previous: before as V };
    }
    return { type: "set", ...common, value: readable(value) as V, previous: before };
  }
}

/** A value that a peer sent and nobody can decode; reading the row throws. */
function readable(encoded: string): unknown {
  try {
    return decodeValue(encoded);
  } catch {
    return undefined;
  }
}

function isIndexed<V>(
  index: SecondaryIndex,
  indexValue: string,
  { value, previous }: SetEvent<V> | DeleteEvent<V>,
): boolean {
  if (value !== undefined && index.matches(value, indexValue)) return true;
  return previous !== undefined && index.matches(previous, indexValue);
}

function acceptor<V, I extends string>(options: WatchOptions<V, I>): (change: Change) => boolean {
  const key = options.key === undefined ? null : encodeKey(options.key);
  const prefix: PrefixRange | null =
    options.prefix === undefined ? null : prefixRange(options.prefix);
  const types = options.types === undefined ? null : new Set(options.types);
  const reasons = options.reasons === undefined ? null : new Set(options.reasons);
  return (change) => {
    if (key !== null && change.key !== key) return false;
    if (prefix?.matches(change.key) === false) return false;
    if (types?.has(change.value === null ? "delete" : "set") === false) return false;
    return reasons?.has(change.reason) !== false;
  };
}

function checkOptions<V, I extends string>(
  options: WatchOptions<V, I>,
  listener: ((event: WatchEvent<V>) => void) | null,
): void {
  if (listener !== null && typeof listener !== "function") {
    throw new InvalidArgumentError(`listener is ${String(listener)}, not a function`);
  }
  if (typeof options !== "object" || options === null) {
    throw new InvalidArgumentError(`watch options are ${String(options)}, not an object`);
  }
  const faults: string[] = [];
  const known: ReadonlySet<string> = KNOWN;
  for (const option of Object.keys(options)) {
    if (!known.has(option)) faults.push(`unknown option "${option}"`);
  }
  const { key, prefix, buffer = QUEUE_MAX_LIMITS.usual, where, types = [] } = options;
  if (key !== undefined && prefix !== undefined) faults.push("both key and prefix are given");
  const { least, most } = QUEUE_MAX_LIMITS;
  if (!Number.isInteger(buffer) || buffer < least || buffer > most) {
    faults.push(`buffer is ${String(buffer)}, allowed are whole numbers from ${least} to ${most}`);
  }
  if (where !== undefined && typeof where !== "function") faults.push("where is not a function");
  for (const type of types) {
    if (type !== "set" && type !== "delete") {
      faults.push(`type ${String(type)}, allowed are "set" and "delete"`);
    }
  }
  if (faults.length > 0) throw new InvalidOptionsError("watch", faults);
}
