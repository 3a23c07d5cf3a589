/** Three nodes write the same keys at the same time: do their copies differ afterwards? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Claims } from "../processes/claims.ts";
import { whole, withNodes } from "./started.ts";

const KEYS = 5000;
const TABLE = "registry";
/** Until all processes have heard when to begin. */
const BEGIN_AFTER_MS = 300;

export async function raceForKeys(folder: string, claims: Claims): Promise<void> {
  await withNodes({ folder, size: 3 }, async (nodes) => {
    await nodes.start();
    await whole(nodes);
    const at = Date.now() + BEGIN_AFTER_MS;
    const race = { kind: "race", table: TABLE, keys: KEYS, at } as const;
    await Promise.all(nodes.all().map((child) => child.ask(race)));
    const copies: Map<string, string>[] = [];
    let concurrent = 0;
    for (const child of nodes.all()) {
      const path = join(folder, `dump-${child.name}.ndjson`);
      await child.ask({ kind: "dump", path });
      const copy = readCopy(path);
      copies.push(copy.shown);
      concurrent = copy.concurrent;
    }
    const [first, ...others] = copies;
    const keys = [...(first?.keys() ?? [])];
    const differing = keys.filter((key) =>
      others.some((copy) => copy.get(key) !== first?.get(key)),
    );
    const sizes = copies.map((copy) => copy.size);
    claims.check(
      `three nodes write the same ${KEYS} keys at once, and no key differs`,
      differing.length === 0 && sizes.every((size) => size === KEYS),
      `${differing.length} differ on ${copies.length} nodes; ${concurrent} keys had writes that ` +
        `knew nothing of one another (CETS: 12, 19 and 28 differ for ever)`,
    );
  });
}

/** By key, the visible value with its version; and how many keys hold more than one birth. */
function readCopy(path: string): { shown: Map<string, string>; concurrent: number } {
  const shown = new Map<string, string>();
  const births = new Map<string, number>();
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n")) {
    const { table, key, value, version, hidden } = JSON.parse(line);
    if (table !== TABLE) continue;
    const name = JSON.stringify(key);
    births.set(name, (births.get(name) ?? 0) + 1);
    if (hidden !== true) shown.set(name, JSON.stringify([version, value]));
  }
  return { shown, concurrent: [...births.values()].filter((count) => count > 1).length };
}
