/** What the warden of the demonstration is in charge of, as it is told so. */

/** All of it, each time anew. */
export interface Charge {
  /** Processes that must not outlive the demonstration. */
  readonly pids: readonly number[];
  /** A folder that must not either; absent if there is none. */
  readonly folder?: string;
}

/** Whether a message of the channel is a charge; Node may send others. */
export function isCharge(message: unknown): message is Charge {
  return typeof message === "object" && message !== null && "pids" in message;
}
