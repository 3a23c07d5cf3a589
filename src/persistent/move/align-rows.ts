/** Makes one user's rows in a target equal to those in a source. */
import type { RowsDriver } from "../contract/driver.ts";
import type { Aligned, AlignRules, Pair } from "./aligned.ts";

/** Reads both sides and, where they differ, replaces the target's. */
export async function alignRows(
  { source, target }: Pair<RowsDriver>,
  user: string,
  { isDry, guard, budget }: AlignRules,
): Promise<Aligned> {
  const [wanted, found] = await Promise.all([
    source.readUser(user, budget),
    target.readUser(user, budget),
  ]);
  let bytes = 0;
  for (const [key, value] of wanted) bytes += key.length + value.length;
  const isEqual = areEqual(wanted, found);
  if (!isEqual && !isDry) {
    guard();
    await target.replaceUser(user, wanted, budget);
  }
  return { rows: wanted.size, bytes, changed: isEqual ? 0 : Math.max(1, wanted.size) };
}

function areEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
