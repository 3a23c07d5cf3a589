/**
 * Real processes, a real database, real signals: starts a cluster, kills, stops and starves it
 * while every node writes all the time, and says what held, with times.
 *
 *   npm run processes -- [--quick] [--url URL] [--keep]
 *
 * Without --url a throwaway PostgreSQL is started; for machines without one: --url sqlite:PATH.
 * --quick waits less between the events. --keep leaves the files of the nodes for inspection.
 * Exits with 1 if a claim failed, with 2 if the run could not be made.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { postgres } from "../servers/postgres.ts";
import type { Server } from "../servers/server.ts";
import { Claims } from "./claims.ts";
import { Trial } from "./trial.ts";

const QUICK = { stoppedMs: 5000, awayMs: 4000, calmMs: 1000, pauseMs: 150 };
const FULL = { stoppedMs: 10_000, awayMs: 30_000, calmMs: 5000, pauseMs: 100 };

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      url: { type: "string" },
    },
  });
  const claims = new Claims((line) => process.stdout.write(`${line}\n`));
  const folder = mkdtempSync(join(tmpdir(), "skein-processes-"));
  let server: Server | undefined;
  let trial: Trial | undefined;
  const end = async () => {
    await trial?.dispose();
    await server?.dispose();
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
    else process.stdout.write(`files of the nodes: ${folder}\n`);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void end().finally(() => process.exit(2)));
  }
  try {
    if (values.url === undefined) server = await postgres.create();
    const url = values.url ?? (await server?.newDatabase()) ?? "";
    const pace = values.quick ? QUICK : FULL;
    trial = new Trial({ url, database: server?.faults, folder, claims, nodes: 5, ...pace });
    await trial.run();
    return claims.failed === 0 ? 0 : 1;
  } finally {
    await end();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`processes: ${text}\n`);
  return 2;
});
