/**
 * Judges serial calls from the files of the nodes and the rows at the end: nothing of the product
 * is asked. A counter that is raised one at a time gives each caller another number, and ends no
 * lower than the calls that were told of; a name has one winner at most.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface SerialVerdict {
  readonly raised: number;
  readonly names: number;
  /** By code. */
  readonly failed: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

type Rows = Readonly<Record<string, { readonly n: number; readonly by: string }>>;

const COUNTER = "counter";

export function judgeSerial(folder: string, rows: Rows): SerialVerdict {
  const seen = new Map<number, string>();
  const winners = new Map<string, string>();
  const failed: Record<string, number> = {};
  const faults: string[] = [];
  let highest = 0;
  for (const file of readdirSync(folder).filter((name) => name.startsWith("serial-"))) {
    const calls = new Map<number, { call: string; key: string; by: string }>();
    // The last line is empty, or torn where its writer was killed.
    for (const line of readFileSync(join(folder, file), "utf8").split("\n").slice(0, -1)) {
      const { id, call, key, by, done, result, code } = JSON.parse(line);
      if (id !== undefined) calls.set(id, { call, key, by });
      if (code !== undefined) failed[code] = (failed[code] ?? 0) + 1;
      const made = done === undefined ? undefined : calls.get(done);
      if (made === undefined) continue;
      const known = made.call === "count" ? seen.get(result) : winners.get(made.key);
      if (made.call === "count") {
        if (known !== undefined) faults.push(`${known} and ${made.by} both raised ${result}`);
        seen.set(result, made.by);
        highest = Math.max(highest, result + 1);
      } else if (result === true) {
        if (known !== undefined) faults.push(`${known} and ${made.by} both won ${made.key}`);
        winners.set(made.key, made.by);
      }
    }
  }
  const end = rows[COUNTER]?.n ?? 0;
  if (end < highest) faults.push(`the counter ends at ${end}, somebody was told of ${highest}`);
  for (const [name, by] of winners) {
    if (rows[name]?.by !== by) faults.push(`${by} won ${name}, which is ${rows[name]?.by}'s`);
  }
  return { raised: seen.size, names: winners.size, failed, faults };
}
