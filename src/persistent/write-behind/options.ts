/** What a queue of writes is told, its defaults, and what it says of itself. */
import type { Clock, Log, Random } from "../../runtime.ts";

/** Bounds of a queue. */
export interface WriteBehindLimits {
  /** Items of one batch. Default 500. */
  readonly batchItems: number;
  /**
   * Bytes of one batch, as `sizeOf` counts them; a single item may be larger. Servers limit what
   * a statement may hold. Default 4 MiB.
   */
  readonly batchBytes: number;
  /** A batch that is not full is written after so long, ms. Default 20. */
  readonly lingerMs: number;
  /** Items that wait or are being written. Default 20,000. */
  readonly queueItems: number;
  /** The same in bytes, as `sizeOf` counts them. Default 64 MiB. */
  readonly queueBytes: number;
  /** A caller waits so long for room before it is refused, ms. Default 5,000. */
  readonly roomMs: number;
  /** So many callers may wait for room at once. Default 10,000. */
  readonly roomCallers: number;
  /** Pause before a batch that met an outage is tried again grows up to this, ms. Default 1,000. */
  readonly retryMaxMs: number;
  /**
   * An item that the store refuses for no known reason is set aside once it has failed so often
   * while others were written. Default 5.
   */
  readonly strikesMax: number;
  /** Items that may be set aside, of `queueBytes` at most; others are tried on. Default 1,000. */
  readonly setAsideItems: number;
}

export const WRITE_BEHIND_LIMITS: WriteBehindLimits = {
  batchItems: 500,
  batchBytes: 4 * 1024 * 1024,
  lingerMs: 20,
  queueItems: 20_000,
  queueBytes: 64 * 1024 * 1024,
  roomMs: 5_000,
  roomCallers: 10_000,
  retryMaxMs: 1_000,
  strikesMax: 5,
  setAsideItems: 1_000,
};

export interface WriteBehindOptions<T> {
  /** Names the queue in errors and logs. */
  readonly name: string;
  /**
   * Writes all of a batch or nothing. It is asked again after an outage and may then meet items
   * that it has written already: it must leave those as they are.
   */
  readonly write: (batch: readonly T[]) => Promise<void>;
  /** Whose fault an error is: the item's own, which is given up, or that of the world, which ends. */
  readonly isItemFault: (error: unknown) => boolean;
  /**
   * The store lives and has refused the batch, perhaps for an item's fault that nobody knows of:
   * its items are tried one by one. Default: never.
   */
  readonly isSuspect?: (error: unknown) => boolean;
  /** An item that was set aside, and why: see `strikesMax`. */
  readonly onSetAside?: (item: T, error: unknown) => void;
  /** An item that was given up, and why. */
  readonly onRefused: (item: T, error: unknown) => void;
  /** What callers wait for together, for example an archive. */
  readonly groupOf: (item: T) => string;
  /** Bytes that an item holds in memory. */
  readonly sizeOf: (item: T) => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly limits?: Partial<WriteBehindLimits>;
}

/** Figures of a queue since it was made. */
export interface WriteBehindStatus {
  /** Items that wait or are being written. */
  readonly items: number;
  readonly bytes: number;
  readonly written: number;
  readonly refused: number;
  /** Of the items those that fail while others are written. */
  readonly failing: number;
  /** Items that were set aside and are still kept; they are not among `items`. */
  readonly setAside: number;
  readonly batches: number;
  /** Batches that were tried again after an outage. */
  readonly retries: number;
  /** How long the oldest item has waited, ms; 0 if there is none. */
  readonly oldestMs: number;
}
