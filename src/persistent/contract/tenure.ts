/**
 * What typed stores ask before they use the rows of a server: another process may move these to
 * another connection, and nobody may read or write them where they were.
 */
import { UnavailableError } from "../../errors.ts";

/** Of one kind of rows on one connection. Undefined is for: go on, nothing is to be waited for. */
export interface Tenure {
  /**
   * The rows of the server have been found here, or brought here, and nobody is known to have
   * moved them away. Enough for what is only queued.
   */
  begin(server: string): Promise<void> | undefined;
  /**
   * The same, and no other process moves them within the next seconds.
   * @throws MovedAwayError if one has done so
   */
  hold(server: string): Promise<void> | undefined;
  /**
   * For use in the middle of a transaction, behind `hold`.
   * @throws UnavailableError if that time is over
   */
  assertHeld(server: string): void;
}

/** Of tables that nobody moves. */
export const UNMOVED: Tenure = {
  begin: () => undefined,
  hold: () => undefined,
  assertHeld: () => undefined,
};

/** The rows were moved to another connection while this process could not say that it uses them. */
export class MovedAwayError extends UnavailableError {}
