/**
 * The run itself: nodes as processes of their own, what befalls them phase by phase, and what is
 * claimed of each phase. See main.ts for how it is started.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ServerFaults } from "../servers/server.ts";
import { Child, nodeProgram } from "./child.ts";
import { type Claims, seconds } from "./claims.ts";
import type { RunFacts, Verdict } from "./compare.ts";
import { type Facts, type NodePlan, type Started, TABLES } from "./plan.ts";
import { type WriteTimes, writeTimes } from "./write-times.ts";

/** How a run goes. */
export interface TrialOptions {
  /** URL of the discovery database. */
  readonly url: string;
  /** Its server, if it is ours to stop. */
  readonly database: ServerFaults | undefined;
  /** Where the nodes write their files; exists, and is empty. */
  readonly folder: string;
  readonly claims: Claims;
  readonly nodes: number;
  /** How long a node is stopped, the database is away, and nothing happens at all, ms. */
  readonly stoppedMs: number;
  readonly awayMs: number;
  readonly calmMs: number;
  /** Between two writes of a writer, ms. */
  readonly pauseMs: number;
}

/** Anything that takes longer than this has failed, ms. */
const LIMIT_MS = 30_000;
const POLL_MS = 10;
const AIM_FORMED_MS = 2000;
/** Every node asks each second, so that an absence of the database is noticed at all. */
const ASKING = { initialMs: 1000, regularMs: 1000, nodeDownMs: 1000 };

/** See the head of this file. */
export class Trial {
  readonly #options: TrialOptions;
  readonly #children = new Map<string, Child>();
  readonly #origins = new Map<string, number>();
  readonly #dead: number[] = [];

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#formed();
    await this.#written();
    await this.#killed();
    await this.#stopped();
    await this.#databaseAway();
    await this.#ended();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#children.values()].map((child) => child.kill()));
  }

  async #formed(): Promise<void> {
    const names = Array.from({ length: this.#options.nodes }, (_, at) => `node${at + 1}`);
    const started = await Promise.all(names.map((name) => this.#start(name)));
    const at = await this.#wholeAt();
    const called = Math.max(...started.map((one) => one.calledAt));
    const listening = Math.max(...started.map((one) => one.listeningAt));
    this.#options.claims.check(
      `${names.length} nodes with ${TABLES.length} tables form one cluster at once`,
      true,
      `${seconds(at - listening)} after the last one listened, ` +
        `${seconds(at - called)} after the last one was started (aim ${seconds(AIM_FORMED_MS)})`,
    );
  }

  async #written(): Promise<void> {
    await Promise.all(this.#all().map((child) => child.ask({ kind: "write" })));
    const from = Date.now();
    await pause(this.#options.calmMs);
    this.#checkWrites("writes are acknowledged while nothing happens", { from, except: [] });
  }

  async #killed(): Promise<void> {
    const { claims } = this.#options;
    const victim = this.#childOf("node2");
    const origin = this.#originOf("node2");
    const { shown } = await this.#childOf("node1").owned(origin);
    const from = Date.now();
    await victim.kill();
    const survivors = this.#all().filter((child) => child !== victim);
    await this.#until("its rows are shown nowhere", async () => {
      const counts = await Promise.all(survivors.map((child) => child.owned(origin)));
      return counts.every((count) => count.shown === 0);
    });
    const figures = `${shown} rows gone on ${survivors.length} nodes after ${seconds(since(from))}`;
    claims.check("the rows of a killed node vanish", shown > 0, figures);
    this.#checkWrites("no write fails while a node is killed", { from, except: ["node2"] });
    this.#dead.push(origin);
    const restartedAt = Date.now();
    const again = await this.#start("node2");
    const joinedAt = await this.#wholeAt();
    claims.check(
      "it joins again under the same name as a new incarnation",
      again.origin !== origin,
      `incarnation ${again.origin} after ${origin}; whole ${seconds(joinedAt - again.listeningAt)} ` +
        `after it listened, with ${(await this.#childOf("node2").facts()).rows} rows`,
    );
    await this.#childOf("node2").ask({ kind: "write" });
    await this.#until("no row of the dead incarnation is stored", async () => {
      const counts = await Promise.all(this.#all().map((child) => child.owned(origin)));
      return counts.every((count) => count.stored === 0);
    });
    const except = ["node2"];
    this.#checkWrites("no write fails while it joins again", { from: restartedAt, except });
  }

  async #stopped(): Promise<void> {
    const { claims, stoppedMs } = this.#options;
    const sleeper = this.#childOf("node3");
    const origin = this.#originOf("node3");
    const others = this.#all().filter((child) => child !== sleeper);
    const from = Date.now();
    sleeper.pause();
    try {
      await this.#until("its rows are hidden", async () => {
        const counts = await Promise.all(others.map((child) => child.owned(origin)));
        return counts.every((count) => count.shown === 0 && count.stored > 0);
      });
      const hiddenAfter = since(from);
      await pause(Math.max(0, stoppedMs - hiddenAfter));
      const figures = `hidden on ${others.length} nodes after ${seconds(hiddenAfter)}, still stored`;
      claims.check("the rows of a stopped node are hidden", true, figures);
    } finally {
      sleeper.resume();
    }
    const resumedAt = Date.now();
    const figures = `after ${seconds(resumedAt - from)}: whole again `;
    await this.#wholeAt();
    await this.#until("its rows are shown again", async () => {
      const counts = await Promise.all(others.map((child) => child.owned(origin)));
      return counts.every((count) => count.shown > 0);
    });
    const { origin: now } = await sleeper.facts();
    const healed = `${figures}in ${seconds(since(resumedAt))}, incarnation ${now}`;
    claims.check("a stopped node goes on as itself with its rows", now === origin, healed);
    this.#checkWrites("no write of the others fails meanwhile", { from, except: ["node3"] });
  }

  async #databaseAway(): Promise<void> {
    const { claims, database, awayMs } = this.#options;
    const claim = "the nodes go on while the database is away";
    if (database === undefined)
      return claims.skip(claim, "there is no server that is ours to stop");
    const from = Date.now();
    await database.stop();
    await this.#until("every node has noticed", async () => {
      const facts = await this.#facts();
      return facts.every((one) => !one.discoveryWorks);
    });
    await pause(Math.max(0, awayMs - since(from)));
    const meanwhile = await this.#facts();
    const backAt = Date.now();
    await database.start();
    await this.#until("discovery works again everywhere", async () => {
      const facts = await this.#facts();
      return facts.every((one) => one.discoveryWorks);
    });
    const stayed = meanwhile.every((one) => one.joined.length === this.#options.nodes);
    const figures =
      `away for ${seconds(backAt - from)}, all ${this.#options.nodes} nodes joined throughout; ` +
      `discovery worked everywhere ${seconds(since(backAt))} after the server was started`;
    claims.check(claim, stayed, figures);
    this.#checkWrites("no write fails meanwhile", { from, except: [] });
  }

  async #ended(): Promise<void> {
    const { claims, folder } = this.#options;
    await Promise.all(this.#all().map((child) => child.ask({ kind: "rest" })));
    const restAt = Date.now();
    await this.#until("all replicas have the same digests", async () => {
      const [first, ...others] = await this.#facts();
      return others.every((one) => one.digest === first?.digest);
    });
    claims.check(
      "all replicas are equal once the writers rest",
      true,
      `${seconds(since(restAt))} after the last write had settled`,
    );
    await this.#checkAlive();
    const live = Object.fromEntries(this.#origins);
    const facts: RunFacts = { tables: TABLES, live, dead: this.#dead };
    writeFileSync(join(folder, "facts.json"), JSON.stringify(facts));
    for (const child of this.#all()) {
      await child.ask({ kind: "dump", path: join(folder, `dump-${child.name}.ndjson`) });
    }
    this.#judge();
  }

  async #checkAlive(): Promise<void> {
    const facts = await this.#facts();
    const same = facts.every((one, at) => one.origin === [...this.#origins.values()][at]);
    const ended = [...this.#children.values()].filter((child) => !child.isAsWanted);
    const p99 = Math.max(...facts.map((one) => one.loopDelayP99Ms));
    const sum = (name: string) => facts.reduce((all, one) => all + (one.counters[name] ?? 0), 0);
    this.#options.claims.check(
      "no process but the killed one was restarted, and none became another incarnation",
      same && ended.length === 0,
      `pids ${this.#all().map((child) => child.pid)}; event loop p99 at most ${p99} ms; ` +
        `${sum("sessions")} state sessions, ${sum("merges")} merges, ${sum("lagging")} times lagging`,
    );
  }

  /** Asks the independent script, in a process of its own. */
  #judge(): void {
    const { claims, folder } = this.#options;
    const script = fileURLToPath(new URL("compare.js", import.meta.url));
    const run = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    if (run.status !== 0 && run.status !== 1) throw new Error(`compare failed: ${run.stderr}`);
    const verdict: Verdict = JSON.parse(run.stdout);
    claims.check(
      "dumps of all nodes are equal, no acknowledged write is lost, and no row of the dead is left",
      verdict.faults.length === 0,
      `${verdict.rows} rows on each; ${verdict.acknowledged} writes acknowledged, ` +
        `${verdict.rejected} rejected; last states of ${verdict.checked} keys checked on each node` +
        verdict.faults.map((fault) => `\n       ${fault}`).join(""),
    );
  }

  #checkWrites(claim: string, { from, except }: { from: number; except: string[] }): void {
    const times: WriteTimes = writeTimes(this.#options.folder, { from, to: Date.now() }, except);
    this.#options.claims.check(
      claim,
      times.rejected === 0 && times.acknowledged > 0,
      `${times.acknowledged} acknowledged, ${times.rejected} rejected; ` +
        `longest ${times.longestMs.toFixed(1)} ms, median ${times.medianMs.toFixed(2)} ms`,
    );
  }

  async #start(name: string): Promise<Started> {
    const { url, folder, pauseMs } = this.#options;
    const plan: NodePlan = {
      cluster: "trial",
      name,
      folder,
      pauseMs,
      discovery: { url, timings: { ...ASKING, errorMs: 500 } },
    };
    const child = new Child(plan, nodeProgram());
    this.#children.set(name, child);
    const started = await child.started;
    this.#origins.set(name, started.origin);
    return started;
  }

  /** When every node had links to all others and shared every table with them. */
  async #wholeAt(): Promise<number> {
    const { nodes } = this.#options;
    await this.#until("every node has joined every other", async () => {
      const facts = await this.#facts();
      return facts.every(
        (one) => one.joined.length === nodes && one.available.length === nodes && one.tablesAgree,
      );
    });
    return Date.now();
  }

  #facts(): Promise<Facts[]> {
    return Promise.all([...this.#origins.keys()].map((name) => this.#childOf(name).facts()));
  }

  #all(): Child[] {
    return [...this.#children.values()];
  }

  #childOf(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`there is no ${name}`);
    return child;
  }

  #originOf(name: string): number {
    return this.#origins.get(name) ?? 0;
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const from = Date.now();
    while (!(await holds())) {
      if (since(from) > LIMIT_MS) throw new Error(`not within ${seconds(LIMIT_MS)}: ${what}`);
      const lost = this.#all().find((child) => !child.isAsWanted);
      if (lost !== undefined) throw new Error(`${lost.name} has ended: ${lost.output}`);
      await pause(POLL_MS);
    }
  }
}

function since(from: number): number {
  return Date.now() - from;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
