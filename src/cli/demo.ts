/**
 * `skein demo`: a cluster of processes on this machine that shows what Skein does, with measured
 * figures, and cleans up after itself however it ends.
 */
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import { type Claim, silentFollower } from "./demo/claims.ts";
import { DemoCluster, type DemoSetup } from "./demo/cluster.ts";
import { play } from "./demo/play.ts";
import { cleanUp, runScenario } from "./demo/scenario.ts";
import { claimTable, TerminalFollower } from "./demo/terminal.ts";
import { exitCodeOf, listenForStop, parentGone, type StopSignal } from "./signals.ts";
import { count, duration, paintFor } from "./text.ts";

interface DemoFlags {
  readonly once: boolean;
  readonly json: boolean;
  readonly nodes: number;
  readonly rows: number;
  readonly url?: string;
}

/** What a run came to. */
interface Outcome {
  readonly claims: readonly Claim[];
  /** The signal that ended it before its end. */
  readonly signal?: StopSignal;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description("show a cluster of processes on this machine: find, fill, kill, freeze, heal")
    .option("--once", "end after the last claim instead of waiting for keys", false)
    .option("--json", "print the facts as JSON and nothing else; implies --once", false)
    .addOption(
      new Option("--nodes <n>", "processes, 2 to 9").default(3).argParser(wholeNumber(2, 9)),
    )
    .addOption(
      new Option("--rows <n>", "rows that each node writes, 10 to 200000")
        .default(3_000)
        .argParser(wholeNumber(10, 200_000)),
    )
    .option("--url <url>", "discovery database; default an SQLite file in a temporary folder")
    .action(demo);
}

async function demo(flags: DemoFlags): Promise<void> {
  const { nodes, rows, url } = flags;
  const setup: DemoSetup = { nodes, rows, ...(url === undefined ? {} : { url }) };
  const signals = listenForStop();
  // From here on there is something to clean up: a signal is heard before the first process.
  const cluster = await DemoCluster.open(setup);
  // Only under npm: elsewhere a demonstration may well go on without the shell that started it.
  const underNpm = process.env.npm_lifecycle_event !== undefined;
  const stop = underNpm ? Promise.race([signals.first, parentGone()]) : signals.first;
  const startMs = performance.now();
  const outcome = flags.json
    ? await runSilently(cluster, stop)
    : await runOnTerminal(cluster, stop, flags);
  signals.dispose();
  if (outcome.signal !== undefined) process.exit(exitCodeOf(outcome.signal));
  const ok = outcome.claims.every((claim) => claim.ok);
  if (flags.json) {
    const facts = report(cluster, outcome.claims, performance.now() - startMs);
    process.stdout.write(`${JSON.stringify({ ok, ...facts }, null, 2)}\n`);
  }
  process.exitCode = ok ? 0 : 1;
}

async function runSilently(cluster: DemoCluster, stop: Promise<StopSignal>): Promise<Outcome> {
  const scenario = runScenario(cluster, silentFollower);
  const ended = await Promise.race([scenario, stop]);
  const last = await cleanUp(cluster, silentFollower);
  if (typeof ended === "string") return { claims: [], signal: ended };
  return { claims: [...ended, last] };
}

async function runOnTerminal(
  cluster: DemoCluster,
  stop: Promise<StopSignal>,
  flags: DemoFlags,
): Promise<Outcome> {
  const paint = paintFor(process.stdout, process.env);
  const print = (line: string) => process.stdout.write(`${line}\n`);
  const follower = new TerminalFollower(process.stdout, paint);
  const startMs = performance.now();
  print(
    `${paint.bold("Skein")}: ${cluster.names.length} processes, ${count(flags.rows)} rows each, ` +
      `joined only by a discovery table in ${cluster.discovery}`,
  );
  print("");
  const scenario = runScenario(cluster, follower);
  const ended = await Promise.race([scenario, stop]);
  const stays = !flags.once && process.stdin.isTTY && process.stdout.isTTY;
  if (typeof ended === "string" || !stays) {
    follower.quiet();
    const last = await cleanUp(cluster, follower);
    if (typeof ended === "string") return { claims: [], signal: ended };
    const claims = [...ended, last];
    printClaims(claims, startMs);
    return { claims };
  }
  printClaims(ended, startMs);
  await play({ cluster, stop, input: process.stdin, screen: process.stdout, paint });
  return { claims: [...ended, await cleanUp(cluster, follower)] };

  function printClaims(claims: readonly Claim[], sinceMs: number): void {
    const failed = claims.filter(({ ok }) => !ok).length;
    const verdict =
      failed === 0
        ? paint.green(`all ${claims.length} claims hold`)
        : paint.red(`${failed} of ${claims.length} claims failed`);
    print("");
    for (const line of claimTable(claims, paint)) print(line);
    print(`\n${verdict}, ${duration(performance.now() - sinceMs)}`);
  }
}

function report(cluster: DemoCluster, claims: readonly Claim[], tookMs: number): object {
  return {
    nodes: cluster.setup.nodes,
    rowsPerNode: cluster.setup.rows,
    discovery: cluster.discovery,
    tookMs: Math.round(tookMs),
    machine: {
      node: process.versions.node,
      platform: process.platform,
      processors: availableParallelism(),
    },
    claims,
  };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Allowed are whole numbers from ${least} to ${most}.`);
  };
}
