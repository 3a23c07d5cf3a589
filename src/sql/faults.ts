/** Turns errors of drivers into ours. */
import { OverloadedError, SkeinError, UnavailableError, UnsupportedError } from "../errors.ts";
import { errorCode, type SqlTraits } from "./dialect.ts";

/** Where the error comes from. */
export interface Origin {
  /** Names the database in messages, without a secret. */
  readonly subject: string;
  readonly traits: Pick<SqlTraits, "isMissingRight"> &
    Partial<Pick<SqlTraits, "isTooManyConnections">>;
}

/** An error of ours for whatever a driver threw; the driver's stays as the cause. */
export function databaseError(origin: Origin, error: unknown): SkeinError {
  if (error instanceof SkeinError) return error;
  const { subject, traits } = origin;
  const message = `${subject}: ${describe(error)}`;
  if (traits.isMissingRight(error)) {
    return new UnsupportedError(`${message} (the role needs this right)`, { cause: error });
  }
  if (traits.isTooManyConnections?.(error) === true) {
    return new OverloadedError(
      `${message} (give the server more connections, or the pool fewer: pool.max)`,
      { cause: error },
    );
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
