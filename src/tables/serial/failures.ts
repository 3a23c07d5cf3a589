/** What failed calls are told. */
import { SerialUnknownError, type SkeinError, UnsupportedError } from "../../errors.ts";

/** Nodes of older software are in the cluster. */
export function tooOld(names: readonly string[]): UnsupportedError {
  return new UnsupportedError(
    `serial operations need all nodes to know them; too old: ${names.join(", ")}`,
  );
}

/** The call had decided, and may have written, when it was given up. */
export function unknown(cause: SkeinError, isWritten: boolean): SerialUnknownError {
  const where = isWritten ? "it may stand on this node" : "nothing was written";
  return new SerialUnknownError(`the outcome is not known, ${where}: ${cause.message}`, {
    cause,
    isWritten,
  });
}
