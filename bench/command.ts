/** What `npm run bench` can be told on its command line. */
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { BENCHMARKS, defaultNames } from "./benchmarks.ts";
import type { Settings } from "./progress.ts";

/** What to do. */
export interface Command extends Settings {
  readonly names: readonly string[];
  readonly write: boolean;
  /** Where the figures go. */
  readonly json: string;
  /** An earlier file of figures to compare with; null for none. */
  readonly compare: string | null;
}

const ROUNDS_DEFAULT = 5;
const ROUNDS_MAX = 100;

/** Text for --help. */
export function usage(): string {
  const lines = Object.entries(BENCHMARKS).map(([name, { title, isExtra }]) => {
    return `  ${name.padEnd(14)} ${title}${isExtra ? " (only when it is named)" : ""}`;
  });
  return `npm run bench [-- [names] [options]]

${lines.join("\n")}

  --rounds N     repeat each window N times (default ${ROUNDS_DEFAULT})
  --quick        short windows and small tables: to see that it works
  --write        keep the result in bench/RESULTS.md and bench/plots; for all benchmarks only
  --json FILE    where to keep all figures (default: a new file in the temporary folder)
  --compare FILE print what differs from the figures of an earlier run, kept by --json
  --profile DIR  keep CPU profiles of Skein's processes there (costs some speed)
`;
}

/** Null for --help. Throws with what was given and what is allowed. */
export function parseCommand(args: readonly string[]): Command | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: String(ROUNDS_DEFAULT) },
      quick: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      json: { type: "string" },
      compare: { type: "string" },
      profile: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const known = Object.keys(BENCHMARKS);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown) throw new Error(`there is no benchmark "${unknown}", there are ${known.join(", ")}`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is "${values.rounds}", allowed are 1 to ${ROUNDS_MAX}`);
  }
  const names = positionals.length > 0 ? [...new Set(positionals)] : defaultNames();
  const left = defaultNames().filter((name) => !names.includes(name));
  if (values.write && (left.length > 0 || values.quick)) {
    throw new Error("--write is for all benchmarks without --quick");
  }
  const json = values.json ?? join(mkdtempSync(join(tmpdir(), "skein-bench-")), "results.json");
  return {
    names,
    rounds,
    quick: values.quick,
    write: values.write,
    json: resolve(json),
    compare: values.compare === undefined ? null : resolve(values.compare),
    profiles: values.profile ? profileFolder(resolve(values.profile)) : null,
  };
}

function profileFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}
