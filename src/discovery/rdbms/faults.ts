/** Turns errors of drivers into ours. */
import { SkeinError, UnavailableError, UnsupportedError } from "../../errors.ts";
import { type DatabaseDriver, errorCode } from "./database.ts";

/** An error of ours for whatever a driver threw; the driver's stays as the cause. */
export function databaseError(driver: DatabaseDriver, error: unknown): SkeinError {
  if (error instanceof SkeinError) return error;
  const message = `${driver.subject}: ${describe(error)}`;
  if (driver.traits.isMissingRight(error)) {
    return new UnsupportedError(`${message} (the role needs this right)`, { cause: error });
  }
  return new UnavailableError(message, { cause: error });
}

/** Some errors of the network have no message of their own, but a code or inner errors. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(describe).join(", ");
  }
  if (error instanceof Error && error.message !== "") return error.message;
  return errorCode(error) || String(error);
}
