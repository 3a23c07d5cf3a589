/**
 * A cluster whose nodes are replaced one by one by nodes of another version, while all of them
 * write; then one more node of the first version joins. Judged by files, as every run is.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, nodeProgram } from "../processes/child.ts";
import type { RunFacts, Verdict } from "../processes/compare.ts";
import { type Facts, TABLES } from "../processes/plan.ts";

/** URLs of two libraries: the cluster begins with `from` and ends with `to`. */
export interface RollingOptions {
  readonly from: string;
  readonly to: string;
  /** For the database of discovery and the files of the nodes; exists, and is empty. */
  readonly folder: string;
}

/** What became of it. */
export interface RollingResult {
  readonly verdict: Verdict;
  /** Codes of writes that were rejected on nodes that stayed. */
  readonly rejected: readonly string[];
  readonly longestMs: number;
  /** Writes acknowledged while versions were mixed. */
  readonly mixedWrites: number;
}

const NAMES = ["node1", "node2", "node3"];
const LIMIT_MS = 100_000;
const POLL_MS = 10;
const WRITER_PAUSE_MS = 60;
/** So many writes between two replacements, at least. */
const WRITES_BETWEEN = 150;
const ASKING = { initialMs: 500, regularMs: 500, nodeDownMs: 500, errorMs: 500 };

/** See the head of this file. */
export class Rolling {
  readonly #options: RollingOptions;
  readonly #children = new Map<string, Child>();
  readonly #origins = new Map<string, number>();
  readonly #dead: number[] = [];
  readonly #rejected: string[] = [];
  #longestMs = 0;
  /** Writes acknowledged on nodes that have ended. */
  #ended = 0;

  constructor(options: RollingOptions) {
    this.#options = options;
  }

  async run(): Promise<RollingResult> {
    const { from, to } = this.#options;
    await Promise.all(NAMES.map((name) => this.#start(name, from)));
    await this.#whole();
    await this.#writes(WRITES_BETWEEN);
    const before = this.#acknowledged();
    for (const [at, name] of NAMES.entries()) {
      await this.#end(name, at === 1 ? "kill" : "leave");
      await this.#start(name, to);
      await this.#whole();
      await this.#writes(WRITES_BETWEEN);
    }
    await this.#start("late", from);
    await this.#whole();
    await this.#writes(WRITES_BETWEEN);
    await Promise.all(this.#all().map((child) => child.ask({ kind: "rest" })));
    const mixedWrites = this.#acknowledged() - before;
    await this.#until("all replicas have the same digests", async () => {
      const [first, ...others] = await this.#facts();
      return others.every((one) => one.digest === first?.digest);
    });
    for (const child of this.#all()) this.#note(child);
    const verdict = await this.#judge();
    return { verdict, rejected: this.#rejected, longestMs: this.#longestMs, mixedWrites };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#all().map((child) => child.kill()));
  }

  async #start(name: string, library: string): Promise<void> {
    const { folder } = this.#options;
    const plan = {
      cluster: "rolling",
      name,
      folder,
      library,
      pauseMs: WRITER_PAUSE_MS,
      pulseMs: 100,
      discovery: { url: `sqlite:${join(folder, "nodes.db")}`, timings: ASKING },
    };
    const child = new Child(plan, nodeProgram());
    this.#children.set(name, child);
    const { origin } = await child.started;
    this.#origins.set(name, origin);
    await child.ask({ kind: "write" });
  }

  async #end(name: string, how: "leave" | "kill"): Promise<void> {
    const child = this.#childOf(name);
    if (how === "leave") {
      await child.ask({ kind: "rest" });
      this.#note(child);
      await child.ask({ kind: "leave" });
    }
    await child.kill();
    this.#dead.push(this.#origins.get(name) ?? 0);
    this.#ended += child.pulse.acknowledged;
    this.#children.delete(name);
    this.#origins.delete(name);
  }

  #acknowledged(): number {
    return this.#all().reduce((sum, child) => sum + child.pulse.acknowledged, this.#ended);
  }

  #note(child: Child): void {
    this.#rejected.push(...Object.keys(child.pulse.rejected));
    this.#longestMs = Math.max(this.#longestMs, child.pulse.longestMs);
  }

  async #writes(count: number): Promise<void> {
    const from = this.#acknowledged();
    await this.#until(`${count} more writes`, async () => this.#acknowledged() - from >= count);
  }

  async #whole(): Promise<void> {
    const size = this.#children.size;
    const isWhole = (one: Facts) => one.joined.length === size && one.tablesAgree;
    await this.#until("every node has joined every other", async () =>
      (await this.#facts()).every(isWhole),
    );
  }

  async #judge(): Promise<Verdict> {
    const { folder } = this.#options;
    const live = Object.fromEntries(this.#origins);
    const facts: RunFacts = { tables: TABLES, live, dead: this.#dead };
    writeFileSync(join(folder, "facts.json"), JSON.stringify(facts));
    for (const child of this.#all()) {
      await child.ask({ kind: "dump", path: join(folder, `dump-${child.name}.ndjson`) });
    }
    const script = nodeProgram().replace("node-process.js", "compare.js");
    const run = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
    if (run.status !== 0 && run.status !== 1) throw new Error(`compare failed: ${run.stderr}`);
    return JSON.parse(run.stdout);
  }

  #facts(): Promise<Facts[]> {
    return Promise.all(this.#all().map((child) => child.facts()));
  }

  #all(): Child[] {
    return [...this.#children.values()];
  }

  #childOf(name: string): Child {
    const child = this.#children.get(name);
    if (child === undefined) throw new Error(`there is no ${name}`);
    return child;
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const from = performance.now();
    while (!(await holds())) {
      if (performance.now() - from > LIMIT_MS)
        throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
      const lost = this.#all().find((child) => !child.isAsWanted);
      if (lost !== undefined) throw new Error(`${lost.name} has ended: ${lost.output}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
