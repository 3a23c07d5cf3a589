/** The longest acknowledged write of writers that were not stopped themselves meanwhile. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A node's process did not run, ms since 1970. */
export interface Stopped {
  readonly node: string;
  readonly from: number;
  readonly to: number;
}

export interface LongWrite {
  readonly ms: number;
  readonly node: string;
  /** When it was begun, ms since 1970. */
  readonly at: number;
}

/** Undefined if there is none at all. */
export function longestWrite(folder: string, stops: readonly Stopped[]): LongWrite | undefined {
  let longest: LongWrite | undefined;
  for (const file of readdirSync(folder)) {
    const node = /^writes-(.+)-\d+\.ndjson$/.exec(file)?.[1];
    if (node === undefined) continue;
    const own = stops.filter((stop) => stop.node === node);
    const begun = new Map<number, number>();
    const lines = readFileSync(join(folder, file), "utf8").split("\n");
    // The last one is empty, or torn where its writer was killed.
    for (const line of lines.slice(0, -1)) {
      const { id, at, acknowledged, ms } = JSON.parse(line);
      if (id !== undefined) begun.set(id, at);
      const from = acknowledged === undefined ? undefined : begun.get(acknowledged);
      if (from === undefined || ms <= (longest?.ms ?? -1)) continue;
      if (own.some((stop) => stop.from <= from + ms && from <= stop.to)) continue;
      longest = { ms, node, at: from };
    }
  }
  return longest;
}
