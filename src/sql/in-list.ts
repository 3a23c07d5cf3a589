/** `column in (…)` for a list of any length, with few different texts. */
import type { SqlTraits, SqlValue } from "./dialect.ts";

/** A condition and what its placeholders take. */
export interface Condition {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

const STEP = 4;

/**
 * An array where the database has arrays; else a list as long as a power of four, filled up with
 * its last value. The list must not be empty.
 */
export function inList(
  traits: SqlTraits,
  column: string,
  type: "text" | "bigint",
  values: readonly SqlValue[],
): Condition {
  if (traits.hasArrays) return { text: `${column} = any(?::${type}[])`, params: [values] };
  let length = 1;
  while (length < values.length) length *= STEP;
  const params = [...values];
  while (params.length < length) params.push(values.at(-1) ?? null);
  return { text: `${column} in (${new Array(length).fill("?").join(", ")})`, params };
}
