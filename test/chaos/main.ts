/**
 * Chaos: five node processes on loopback that write all the time, behind a proxy that cuts,
 * holds, delays and throttles their links, while processes are killed and stopped and the
 * database goes away. All faults come from a seed. At the end all is mended and judged.
 *
 *   npm run chaos -- [--seconds N] [--seed N] [--nodes N] [--url URL] [--keep]
 *
 * Without --url a throwaway PostgreSQL is started; with it (for example sqlite:PATH) the database
 * is left alone. --keep leaves the files of the nodes for inspection. Exits with 1 if a claim
 * failed, with 2 if the run could not be made.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Claims } from "../processes/claims.ts";
import { postgres } from "../servers/postgres.ts";
import type { Server } from "../servers/server.ts";
import { Chaos } from "./chaos.ts";

const DEFAULT_SECONDS = 600;
const NODES = { least: 3, most: 20, usual: 5 };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      seed: { type: "string" },
      nodes: { type: "string" },
      url: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const seconds = wholeNumber("seconds", values.seconds ?? DEFAULT_SECONDS, 5, 86_400);
  const seed = wholeNumber("seed", values.seed ?? Date.now() % 1_000_000, 0, 2 ** 32 - 1);
  const nodes = wholeNumber("nodes", values.nodes ?? NODES.usual, NODES.least, NODES.most);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), "skein-chaos-"));
  let server: Server | undefined;
  let chaos: Chaos | undefined;
  const end = async () => {
    await chaos?.dispose();
    await server?.dispose();
    if (values.keep) print(`files of the nodes: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void end().finally(() => process.exit(2)));
  }
  const claims = new Claims(print);
  try {
    if (values.url === undefined) server = await postgres.create();
    const url = values.url ?? (await server?.newDatabase()) ?? "";
    print(`chaos: ${nodes} nodes, ${seconds} s of faults, seed ${seed}`);
    const progressMs = process.stdout.isTTY ? 1000 : 10_000;
    const database = server?.faults;
    const options = { seconds, seed, nodes, url, database, folder, claims, print, progressMs };
    chaos = new Chaos(options);
    await chaos.run();
    print(claims.failed === 0 ? "chaos: all claims held" : `chaos: ${claims.failed} FAILED`);
    return claims.failed === 0 ? 0 : 1;
  } finally {
    await end();
  }
}

function wholeNumber(name: string, given: string | number, from: number, to: number): number {
  const number = Number(given);
  if (Number.isInteger(number) && number >= from && number <= to) return number;
  throw new Error(`--${name} is ${given}, allowed are whole numbers from ${from} to ${to}`);
}

process.exitCode = await main().catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`chaos: ${text}\n`);
  return 2;
});
