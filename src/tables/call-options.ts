/**
 * What the options of every call share: time-outs and abort signals. Part of the tables' public
 * face.
 */
import { InvalidArgumentError } from "../errors.ts";

/** Time-out of calls, ms, unless the call says otherwise. */
export const CALL_TIMEOUT_MS = 10_000;
const TIMEOUT_MAX_MS = 3_600_000;

/** The part of AbortSignal that is used. */
export interface Abort {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * A time in ms as it was given, if it is one that a call may wait.
 * @throws InvalidArgumentError with the option's name, what was given and what is allowed
 */
export function checkTimeout(name: string, ms: number): number {
  if (Number.isInteger(ms) && ms >= 1 && ms <= TIMEOUT_MAX_MS) return ms;
  throw new InvalidArgumentError(
    `${name} is ${String(ms)}, allowed are whole numbers from 1 to ${TIMEOUT_MAX_MS}`,
  );
}

/** Calls `fail` when the signal fires. Gives what stops that: a signal may outlive many calls. */
export function onAbort(signal: Abort, fail: () => void): () => void {
  signal.addEventListener("abort", fail);
  return () => signal.removeEventListener("abort", fail);
}
