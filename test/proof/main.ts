/**
 * What Skein claims against CETS, shown with real processes: each line has the figure that was
 * measured for CETS on a machine of two cores, and ours of this moment on this machine.
 *
 *   npm run proof -- [--only NAME]...     NAME: race, split, hang, kill, form
 *
 * Exits with 1 if a claim failed, with 2 if the run could not be made.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Claims } from "../processes/claims.ts";
import { formTogether } from "./form.ts";
import { hangUnderLoad } from "./hang.ts";
import { killUnderLoad } from "./kill.ts";
import { raceForKeys } from "./race.ts";
import { deleteDuringSplit } from "./split.ts";

/** One claim with processes of its own, in an empty folder. */
export type Scene = (folder: string, claims: Claims) => Promise<void>;

const SCENES: Readonly<Record<string, Scene>> = {
  race: raceForKeys,
  split: deleteDuringSplit,
  hang: hangUnderLoad,
  kill: killUnderLoad,
  form: formTogether,
};

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string", multiple: true } } });
  const names = values.only ?? Object.keys(SCENES);
  const claims = new Claims((line) => process.stdout.write(`${line}\n`));
  for (const name of names) {
    const scene = SCENES[name];
    if (scene === undefined) {
      throw new Error(`--only is ${name}, allowed are ${Object.keys(SCENES).join(", ")}`);
    }
    const folder = mkdtempSync(join(tmpdir(), "skein-proof-"));
    try {
      await scene(folder, claims);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return claims.failed === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`proof: ${text}\n`);
  return 2;
});
