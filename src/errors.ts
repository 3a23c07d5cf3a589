/**
 * Every error that Skein throws on purpose. Each class has a stable `code`, which is also a
 * heading in doc/api.md; switch on it rather than on the message.
 */

/** The base of all of them. */
export abstract class SkeinError extends Error {
  /** Stable and unique to the class. */
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Options that were refused, all faults at once. Nothing was started or changed. */
export class InvalidOptionsError extends SkeinError {
  readonly code = "ERR_SKEIN_INVALID_OPTIONS";
  /** One sentence for each fault: what was given and what is allowed. */
  readonly faults: readonly string[];

  constructor(subject: string, faults: readonly string[]) {
    super(`${subject}: ${faults.join("; ")}`);
    this.faults = faults;
  }
}

/** An argument of a call is of the wrong type or out of its range. Nothing was changed. */
export class InvalidArgumentError extends SkeinError {
  readonly code = "ERR_SKEIN_INVALID_ARGUMENT";
}

/** A key that no table can hold. Nothing was changed. */
export class InvalidKeyError extends SkeinError {
  readonly code = "ERR_SKEIN_INVALID_KEY";
}

/** One thing that a table's schema says is wrong with a value. */
export interface ValueIssue {
  readonly message: string;
  /** Where in the value; empty for the value itself. */
  readonly path: readonly PropertyKey[];
}

/** A value that would not arrive unchanged on another node, or that the table's schema refuses. */
export class InvalidValueError extends SkeinError {
  readonly code = "ERR_SKEIN_INVALID_VALUE";
  /** What the schema says; empty if it was not the schema. */
  readonly issues: readonly ValueIssue[];

  constructor(message: string, options?: { cause?: unknown; issues?: readonly ValueIssue[] }) {
    super(message, options);
    this.issues = options?.issues ?? [];
  }
}

/** A key, a value or a batch over its size limit, or a table over its quota. Nothing was changed. */
export class TooLargeError extends SkeinError {
  readonly code = "ERR_SKEIN_TOO_LARGE";
}

/** A table is used that was not declared, or is declared a second time in another way. */
export class TableError extends SkeinError {
  readonly code = "ERR_SKEIN_TABLE";
}

/** A queue is full. Nothing was changed; try again when earlier calls have settled. */
export class OverloadedError extends SkeinError {
  readonly code = "ERR_SKEIN_OVERLOADED";
}

/** Not every node that was asked acknowledged in time. The write stands on this node. */
export class AckTimeoutError extends SkeinError {
  readonly code = "ERR_SKEIN_ACK_TIMEOUT";
  /** Names of the nodes that had not acknowledged. */
  readonly missing: readonly string[];

  constructor(timeoutMs: number, missing: readonly string[]) {
    super(
      `no acknowledgement within ${timeoutMs} ms from ${missing.join(", ") || "enough nodes"}; ` +
        "the write stands on this node and goes on spreading",
    );
    this.missing = missing;
  }
}

/**
 * Whether a serial call took effect cannot be known: who would know is out of reach. Read the key
 * again later. `isWritten`: what it wrote may stand on this node and spread.
 */
export class SerialUnknownError extends SkeinError {
  readonly code = "ERR_SKEIN_SERIAL_UNKNOWN";
  /** Something that the call wrote may stand. */
  readonly isWritten: boolean;

  constructor(message: string, options: { cause?: unknown; isWritten: boolean }) {
    super(message, options);
    this.isWritten = options.isWritten;
  }
}

/** Why a table may not be written while the cluster is, or may be, split. */
export interface SplitRefusal {
  readonly policy: "pauseMinority" | "leaseSide";
  /**
   * `minority`: too few members are seen. `lease elsewhere`: another side holds the lease. `lease
   * pending`: nobody's lease is known here. `no database`: the same, and the database is away.
   */
  readonly reason: "minority" | "lease elsewhere" | "lease pending" | "no database";
  /** Members that this node counts as alive, itself included. */
  readonly seen: number;
  /** How many it has to see; undefined for `leaseSide`. */
  readonly needed: number | undefined;
  /** The same as a sentence. */
  readonly text: string;
}

/**
 * This node is on the side of a split on which the table may not be written. With `isWritten` the
 * write was made before that was known: it stands on this node and spreads when the split heals.
 */
export class SplitError extends SkeinError {
  readonly code = "ERR_SKEIN_SPLIT";
  readonly table: string;
  readonly policy: SplitRefusal["policy"];
  readonly reason: SplitRefusal["reason"];
  /** Members that this node counts as alive, itself included. */
  readonly seen: number;
  /** How many it has to see; undefined for `leaseSide`. */
  readonly needed: number | undefined;
  /** False: nothing was changed. */
  readonly isWritten: boolean;

  constructor(table: string, refusal: SplitRefusal, isWritten: boolean) {
    const what = isWritten
      ? "the write was made before that was known; it stands on this node and spreads later"
      : "nothing was changed";
    super(`table "${table}" is paused here: ${refusal.text}; ${what}`);
    this.table = table;
    this.policy = refusal.policy;
    this.reason = refusal.reason;
    this.seen = refusal.seen;
    this.needed = refusal.needed;
    this.isWritten = isWritten;
  }
}

/** The caller's AbortSignal fired. A write that was under way stands on this node. */
export class AbortedError extends SkeinError {
  readonly code = "ERR_SKEIN_ABORTED";
}

/** The node is not running: it was stopped, has left, or has not been started. */
export class NotRunningError extends SkeinError {
  readonly code = "ERR_SKEIN_NOT_RUNNING";
}

/** The cluster has closed this incarnation of the node; it must start again as a new one. */
export class FencedError extends SkeinError {
  readonly code = "ERR_SKEIN_FENCED";
  /** A newer incarnation has the name: this node must not take it back by starting again. */
  readonly isReplaced: boolean;

  constructor(message: string, options?: { cause?: unknown; isReplaced?: boolean }) {
    super(message, options);
    this.isReplaced = options?.isReplaced ?? false;
  }
}

/** Bytes from outside that break the protocol. The link they came on is closed. */
export class ProtocolError extends SkeinError {
  readonly code = "ERR_SKEIN_PROTOCOL";
}

/** Why a handshake was refused. */
export type RefusalReason =
  | "protocol"
  | "cluster"
  | "secret"
  | "name"
  | "self"
  | "fenced"
  | "clock"
  | "busy"
  | "malformed"
  | "timeout";

/** A database, a file or a resolver did not answer. The cause says why. */
export class UnavailableError extends SkeinError {
  readonly code = "ERR_SKEIN_UNAVAILABLE";
}

/** A database of a kind or a version that is not supported, or a right that is missing. */
export class UnsupportedError extends SkeinError {
  readonly code = "ERR_SKEIN_UNSUPPORTED";
}

/** An optional driver is not installed. The message says which package to install. */
export class MissingDriverError extends SkeinError {
  readonly code = "ERR_SKEIN_MISSING_DRIVER";
}

/** What a call needs does not exist. Nothing was changed. Never thrown for a back end that is away. */
export class NotFoundError extends SkeinError {
  readonly code = "ERR_SKEIN_NOT_FOUND";
}

/** Something else has what was asked for: a name, a lock, a store of another kind. */
export class ConflictError extends SkeinError {
  readonly code = "ERR_SKEIN_CONFLICT";
}

/** A write lost its races with others for too long. Nothing was changed; try again later. */
export class RetryableError extends SkeinError {
  readonly code = "ERR_SKEIN_RETRYABLE";
}

/** The store's back end stores nothing on purpose: `none` or `null`. */
export class DisabledError extends SkeinError {
  readonly code = "ERR_SKEIN_DISABLED";
}

/** The answer to a write was lost: it may have been made or not. Read before you repeat it. */
export class CommitUnknownError extends SkeinError {
  readonly code = "ERR_SKEIN_COMMIT_UNKNOWN";
}

/** Every error of Skein, to `switch (error.code)` on. */
export type AnySkeinError =
  | InvalidOptionsError
  | InvalidArgumentError
  | InvalidKeyError
  | InvalidValueError
  | TooLargeError
  | TableError
  | OverloadedError
  | AckTimeoutError
  | SerialUnknownError
  | SplitError
  | AbortedError
  | NotRunningError
  | FencedError
  | ProtocolError
  | UnavailableError
  | UnsupportedError
  | MissingDriverError
  | NotFoundError
  | ConflictError
  | RetryableError
  | DisabledError
  | CommitUnknownError;
