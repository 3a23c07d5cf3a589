/**
 * What tables of a run say of concurrent writes, as users would: all of them mixed, so that nobody
 * has lost, or one of them, which need not be the newest.
 */
import { decodeValue, encodeValue } from "../../src/tables/value.ts";

/** How siblings are merged. */
export type Merging = "union" | "least";

interface Written {
  readonly u: string;
  readonly n?: number;
  readonly all?: readonly number[];
}

/** The table's function. */
export function mergeOf(merging: Merging): (siblings: readonly unknown[]) => unknown {
  return (siblings) => {
    const values = siblings as readonly Written[];
    if (merging === "union") return { u: values[0]?.u, all: values.map(numberOf) };
    const least = Math.min(...values.map(numberOf));
    return values.find((value) => numberOf(value) === least);
  };
}

/** What readers must see of encoded siblings, greatest first. */
export function mergedValue(merging: Merging, siblings: readonly string[]): string {
  const [first, ...others] = siblings;
  if (first === undefined) throw new Error("nothing to merge");
  if (others.length === 0) return first;
  const values = siblings.map((value) => decodeValue(value) as Written);
  if (merging === "union") {
    return encodeValue({ u: values[0]?.u, all: values.map(numberOf) });
  }
  const order = values.map((value, at) => ({ at, n: numberOf(value) }));
  order.sort((a, b) => a.n - b.n || a.at - b.at);
  return siblings[order[0]?.at ?? 0] as string;
}

function numberOf({ n = -1 }: Written): number {
  return n;
}
