/**
 * One run: a cluster that writes all the time, rounds of faults until the time is up, then rest,
 * and a judgement by files and by a program that knows nothing of the product.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Claims, seconds } from "../processes/claims.ts";
import type { RunFacts, Verdict } from "../processes/compare.ts";
import { TABLES } from "../processes/plan.ts";
import type { ServerFaults } from "../servers/server.ts";
import { FaultNetwork } from "./fault-network.ts";
import { Injector } from "./injector.ts";
import { longestWrite } from "./longest-write.ts";
import { NodeGroup } from "./node-group.ts";
import { type NodeLine, nodeTable } from "./node-table.ts";
import { Rounds } from "./rounds.ts";
import { judgeSerial } from "./serial-judge.ts";

/** How a run goes. */
export interface ChaosOptions {
  /** Time for rounds of faults, s. The run needs 10 to 20 s more in all. */
  readonly seconds: number;
  readonly seed: number;
  readonly nodes: number;
  /** URL of the discovery database, and its server if it is ours to stop. */
  readonly url: string;
  readonly database: ServerFaults | undefined;
  /** Where the nodes write their files; exists, and is empty. */
  readonly folder: string;
  readonly claims: Claims;
  readonly print: (line: string) => void;
  /** How often a line of progress is printed, ms. */
  readonly progressMs: number;
}

/** Every node asks each second, so that an absence of the database is noticed at all. */
const ASKING = { initialMs: 1000, regularMs: 1000, nodeDownMs: 1000, errorMs: 500 };
/** Rings that are soon outrun, so that returning nodes need state sessions, not only ops. */
const LIMITS = { opRingOps: 1000 };
/** Each of twenty writers of a node waits for so long between two writes, ms. */
const WRITER_PAUSE_MS = 150;
/** Until every key has been written, before memory is measured for the first time. */
const WARM_UP_MS = 3000;
/** The start may take so long, the warm-up included; what it takes longer is taken from the faults. */
const START_MS = 7000;
const ROUND_MAX_MS = 9000;
/** A round takes that long at least; nothing begins when less time is left. */
const ROUND_MIN_MS = 3000;
/** A cluster whose faults have ended and that is not whole after that has failed. */
const WHOLE_LIMIT_MS = 30_000;
const REST_LIMIT_MS = 30_000;
/** Caches of compiled code and of the runtime may grow by so much, beside the rows. */
const MEMORY_SLACK_BYTES = 8 * 1024 * 1024;
const MEMORY_FACTOR_MAX = 1.5;

/** See the head of this file. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #network = new FaultNetwork();
  readonly #nodes: NodeGroup;
  readonly #injector: Injector;
  readonly #wholeAfterMs: number[] = [];
  readonly #memoryBefore = new Map<string, number>();
  #startedAt = 0;
  /** Why the cluster did not become whole, if it did not; that ends the rounds. */
  #notWhole: string | undefined;

  constructor(options: ChaosOptions) {
    this.#options = options;
    const { url, folder, database } = options;
    const names = Array.from({ length: options.nodes }, (_, at) => `node${at + 1}`);
    const discovery = { url, timings: ASKING };
    const pace = { pauseMs: WRITER_PAUSE_MS, pulseMs: 500 };
    const kept = { limits: LIMITS, mirrors: true, clusterSize: names.length };
    const plan = { cluster: "chaos", folder, discovery, ...kept, ...pace };
    this.#nodes = new NodeGroup(names, plan, this.#network);
    this.#injector = new Injector(this.#nodes, this.#network, database);
  }

  async run(): Promise<void> {
    this.#startedAt = performance.now();
    await this.#nodes.start();
    await this.#nodes.write();
    await this.#whole();
    this.#wholeAfterMs.length = 0;
    const progress = setInterval(() => this.#progress(), this.#options.progressMs);
    try {
      await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
      for (const child of this.#nodes.all()) {
        this.#memoryBefore.set(child.name, await child.memory());
      }
      await this.#rounds();
    } finally {
      clearInterval(progress);
    }
    await this.#end();
  }

  async dispose(): Promise<void> {
    await this.#nodes.dispose();
    await this.#network.dispose();
  }

  async #rounds(): Promise<void> {
    const { seed, database } = this.#options;
    const rounds = new Rounds(seed, this.#nodes.names, database !== undefined);
    const endsAt = this.#startedAt + START_MS + this.#options.seconds * 1000;
    for (;;) {
      const leftMs = endsAt - performance.now();
      if (leftMs < ROUND_MIN_MS) return;
      await this.#injector.round(rounds.next(Math.min(ROUND_MAX_MS, leftMs)));
      try {
        this.#wholeAfterMs.push(await this.#whole());
      } catch (error) {
        this.#notWhole = String(error);
        return;
      }
    }
  }

  #whole(): Promise<number> {
    return this.#nodes.until("every node has joined every other", WHOLE_LIMIT_MS, () =>
      this.#nodes.isWhole(),
    );
  }

  async #end(): Promise<void> {
    const { claims, folder } = this.#options;
    await this.#nodes.rest();
    const longest = Math.max(0, ...this.#wholeAfterMs);
    claims.check(
      "the cluster is whole again after each round of faults",
      this.#notWhole === undefined,
      `${this.#wholeAfterMs.length} rounds, at most ${seconds(longest)} after the last fault ended` +
        `${this.#notWhole === undefined ? "" : `; ${this.#notWhole}`}`,
    );
    await this.#checkEqual();
    await this.#checkAlive();
    await this.#judge(folder);
    await this.#checkMirrors();
    await this.#checkSerial();
    await this.#reportNodes();
    this.#reportInjected();
  }

  /** What differs is for the judge to say. */
  async #checkEqual(): Promise<void> {
    const claim = "all replicas are equal once the writers rest";
    try {
      const tookMs = await this.#nodes.until("digests are equal", REST_LIMIT_MS, async () => {
        const [first, ...others] = await this.#nodes.facts();
        return others.every((one) => one.digest === first?.digest);
      });
      const figures = `${seconds(tookMs)} after the last write had settled`;
      this.#options.claims.check(claim, true, figures);
    } catch (error) {
      this.#options.claims.check(claim, false, String(error));
    }
  }

  async #checkAlive(): Promise<void> {
    const { live, dead } = this.#nodes;
    const facts = await this.#nodes.facts();
    const strange = facts.filter((one, at) => one.origin !== live[this.#nodes.names[at] ?? ""]);
    const lost = this.#nodes.lost();
    this.#options.claims.check(
      "no process ended by itself, and no node gave up its incarnation",
      strange.length === 0 && lost.length === 0,
      `${facts.length} run, ${dead.length} were ended${lost.map((line) => `\n       ${line}`).join("")}`,
    );
    const sum = (counter: string) =>
      facts.reduce((all, one) => all + (one.counters[counter] ?? 0), 0);
    const { strangers } = this.#network;
    this.#options.claims.check(
      "no log had a gap, no replica diverged from another, and no connection was a stranger's",
      sum("gaps") === 0 && sum("divergences") === 0 && strangers === 0,
      `${sum("gaps")} gaps, ${sum("divergences")} divergences, ${strangers} strangers`,
    );
  }

  /** Has the files judged by the independent script, in a process of its own. */
  async #judge(folder: string): Promise<void> {
    const { claims } = this.#options;
    const { live, dead } = this.#nodes;
    const facts: RunFacts = { tables: TABLES, live, dead };
    writeFileSync(join(folder, "facts.json"), JSON.stringify(facts));
    for (const child of this.#nodes.all()) {
      await child.ask({ kind: "dump", path: join(folder, `dump-${child.name}.ndjson`) });
    }
    const script = fileURLToPath(new URL("../processes/compare.js", import.meta.url));
    const options = { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 } as const;
    const run = spawnSync(process.execPath, [script, folder], options);
    if (run.status !== 0 && run.status !== 1) throw new Error(`compare failed: ${run.stderr}`);
    const verdict: Verdict = JSON.parse(run.stdout);
    const { acknowledged, rejected, checked, rows, faults } = verdict;
    claims.check(
      "dumps are equal, no acknowledged write is lost, and no row of the dead is left",
      faults.length === 0,
      `${rows} rows on each node; ${acknowledged} writes acknowledged, ${rejected} rejected; ` +
        `last states of ${checked} keys looked for on each node` +
        faults.map((fault) => `\n       ${fault}`).join(""),
    );
  }

  /** Copies that watchers have kept from events alone must be what readers see. */
  async #checkMirrors(): Promise<void> {
    const reports = (await Promise.all(this.#nodes.all().map((child) => child.mirrors()))).flat();
    const reasons: Record<string, number> = {};
    for (const report of reports) {
      for (const [reason, n] of Object.entries(report.reasons)) {
        reasons[reason] = (reasons[reason] ?? 0) + n;
      }
    }
    const faults = reports.flatMap((report) => report.faults);
    const count = reports.reduce((sum, report) => sum + report.faultCount, 0);
    const missed = reports.reduce((sum, report) => sum + report.missed, 0);
    this.#options.claims.check(
      "what watchers were told adds up to what readers see, each change once",
      count === 0,
      `${Object.entries(reasons)
        .map(([reason, n]) => `${n} ${reason}`)
        .join(", ")}; ` +
        `${missed} missed, ${count} faults${faults.map((fault) => `\n       ${fault}`).join("")}`,
    );
  }

  /** Every node has the same rows by now, so that any of them is asked. */
  async #checkSerial(): Promise<void> {
    const [first] = this.#nodes.all();
    const rows = await first?.elections();
    const verdict = judgeSerial(this.#options.folder, rows ?? {});
    const { raised, names, failed, faults } = verdict;
    const codes = Object.entries(failed).map(([code, n]) => `${n} × ${code}`);
    this.#options.claims.check(
      "serial calls have one winner in the whole cluster, and no outcome is silently wrong",
      faults.length === 0 && raised > 0 && names > 0,
      `a counter was raised ${raised} times, ${names} names were won; not done or not known: ` +
        `${codes.join() || "none"}${faults.map((fault) => `\n       ${fault}`).join("")}`,
    );
  }

  async #reportNodes(): Promise<void> {
    const { claims, print } = this.#options;
    const lines: NodeLine[] = [];
    for (const child of this.#nodes.all()) {
      const { name } = child;
      const { origin, rows, loopDelayP99Ms, loopDelayMaxMs, counters } = await child.facts();
      const before = this.#memoryBefore.get(name) ?? 0;
      const after = await child.memory();
      lines.push({ name, origin, rows, loopDelayP99Ms, loopDelayMaxMs, before, after, counters });
    }
    print("");
    for (const line of nodeTable(lines)) print(line);
    print("");
    const grown = lines.filter(
      ({ before, after }) => after > before * MEMORY_FACTOR_MAX + MEMORY_SLACK_BYTES,
    );
    const growth = lines.map(({ before, after }) => (100 * (after - before)) / before);
    claims.check(
      "memory is back at its level",
      grown.length === 0,
      `${Math.min(...growth).toFixed(0)} to ${Math.max(...growth).toFixed(0)} % more than before ` +
        "the first fault, after a collection of garbage",
    );
  }

  #reportInjected(): void {
    const { print } = this.#options;
    const parts = Object.entries(this.#injector.injected).map(
      ([kind, { count, ms }]) => `${kind} ${count} (${(ms / 1000).toFixed(0)} s)`,
    );
    const codes = Object.entries(this.#nodes.written().rejected).map(
      ([code, n]) => `${n} × ${code}`,
    );
    print(`injected: ${parts.join(", ")}`);
    const longest = longestWrite(this.#options.folder, this.#injector.stopped);
    print(
      `longest acknowledged write of a node that was not stopped itself: ` +
        `${seconds(longest?.ms ?? 0)} (${longest?.node}); rejected: ${codes.join() || "none"}`,
    );
    print(`seed ${this.#options.seed}, ${seconds(performance.now() - this.#startedAt)} in all`);
  }

  #progress(): void {
    const { acknowledged, rejected } = this.#nodes.written();
    const failed = Object.values(rejected).reduce((sum, n) => sum + n, 0);
    const elapsed = ((performance.now() - this.#startedAt) / 1000).toFixed(0).padStart(4);
    const now = this.#injector.active.join(", ") || "–";
    this.#options.print(
      `${elapsed} s  round ${String(this.#wholeAfterMs.length + 1).padStart(3)}  ` +
        `${String(acknowledged).padStart(7)} acknowledged  ${failed} rejected  now: ${now}`,
    );
  }
}
