/** The limits of one batch, which is applied, relayed and resumed whole. */
import { TooLargeError } from "../errors.ts";
import type { TablesLimits } from "./limits.ts";

/** Throws TooLargeError over the limits. Entries are encoded keys, or pairs with values. */
export function checkBatch(
  entries: readonly (string | readonly [string, string])[],
  limits: TablesLimits,
): void {
  if (entries.length > limits.batchRows) {
    throw new TooLargeError(`batch of ${entries.length} rows, at most ${limits.batchRows}`);
  }
  let bytes = 0;
  for (const entry of entries) {
    bytes += typeof entry === "string" ? entry.length : entry[0].length + entry[1].length;
  }
  if (bytes > limits.batchBytes) {
    throw new TooLargeError(`batch of ${bytes} bytes, at most ${limits.batchBytes}`);
  }
}
