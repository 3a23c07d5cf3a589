/** Whose fault it is that a batch of messages was not written: a message's, or the world's. */
import { ConflictError } from "../../errors.ts";
import { errorCode, type SqlTraits } from "../../sql/dialect.ts";

/** The server says that a value does not fit: too long, out of range, of another encoding. */
const VALUES: ReadonlySet<string> = new Set([
  "ER_DATA_TOO_LONG",
  "ER_WARN_DATA_OUT_OF_RANGE",
  "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
  "ER_NET_PACKET_TOO_LARGE",
  "SQLITE_TOOBIG",
  "SQLITE_MISMATCH",
]);
/** SQLSTATE: data exceptions, and a row that is too large for its index. */
const STATES = /^(?:22...|54000)$/;

/** True: trying again cannot help, and other messages of the batch are not concerned. */
export function isFault(error: unknown): boolean {
  const code = errorCode(error);
  return error instanceof ConflictError || STATES.test(code) || VALUES.has(code);
}

/** True: the server lives and has refused the batch, whoever is to blame. */
export function isRefusal(error: unknown, traits: SqlTraits): boolean {
  if (traits.isTransient(error) || traits.isTooManyConnections(error)) return false;
  return traits.isServersWord(error);
}
