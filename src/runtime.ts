/**
 * What the outside world lends us: time, randomness and a log. Types only.
 * Makers: src/node/system.ts (the real ones) and test/sim (virtual, seeded).
 */

/** A timer that has not fired yet. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time, in milliseconds. */
export interface Clock {
  /** Wall clock, ms since the Unix epoch. May jump; used for stamps only. */
  wall(): number;
  /** Monotonic clock, ms from an arbitrary start. Used for every wait and time-out. */
  now(): number;
  /** Calls `fn` once, `ms` from now. Never keeps the process alive by itself. */
  after(ms: number, fn: () => void): Timer;
  /** Calls `fn` at the end of this turn of the event loop (setImmediate on Node). */
  defer(fn: () => void): void;
}

/** Randomness. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** `size` random bytes, fit for nonces. */
  bytes(size: number): Uint8Array;
}

/** The part of pino's interface that Skein calls. Any pino logger fits. */
export interface Log {
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
}

/** A log that drops everything: the default inside a library. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
