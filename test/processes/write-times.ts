/** How long the writes of a phase took, from the logs of the nodes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Writes begun within a time, by nodes that were healthy throughout. */
export interface WriteTimes {
  readonly acknowledged: number;
  readonly rejected: number;
  readonly longestMs: number;
  readonly medianMs: number;
}

interface Line {
  readonly id?: number;
  readonly at?: number;
  readonly acknowledged?: number;
  readonly rejected?: number;
  readonly ms?: number;
}

/** Times are ms since the epoch. `except` names nodes whose writes do not count. */
export function writeTimes(
  folder: string,
  phase: { readonly from: number; readonly to: number },
  except: readonly string[] = [],
): WriteTimes {
  const times: number[] = [];
  let rejected = 0;
  for (const file of readdirSync(folder)) {
    if (!file.startsWith("writes-")) continue;
    if (except.some((name) => file.startsWith(`writes-${name}-`))) continue;
    const begun = new Set<number>();
    for (const line of linesOf(join(folder, file))) {
      const { id, at = 0, ms = 0 } = line;
      if (id !== undefined && at >= phase.from && at < phase.to) begun.add(id);
      if (line.acknowledged !== undefined && begun.has(line.acknowledged)) times.push(ms);
      if (line.rejected !== undefined && begun.has(line.rejected)) rejected++;
    }
  }
  times.sort((a, b) => a - b);
  return {
    acknowledged: times.length,
    rejected,
    longestMs: times.at(-1) ?? 0,
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
  };
}

/** A last line may be torn, for its writer may have been killed. */
function linesOf(path: string): Line[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line));
}
