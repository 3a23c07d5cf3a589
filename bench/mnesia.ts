/**
 * Mnesia as a side: one `erl` process for each node, driven through the standard input of the
 * first one. An epmd of our own on a free port serves them, so that nothing of the machine's
 * Erlang is touched and nothing is left running.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ErlangNode } from "./erlang-node.ts";
import { freePort } from "./gate.ts";
import { type Finished, type Load, pause, type Side } from "./side.ts";

/** The script lies beside the sources; this file runs from build/bench. */
const SCRIPT = fileURLToPath(new URL("../../bench/mnesia/skein_bench.erl", import.meta.url));

const EPMD_TRIES = 100;
const ROWS_PER_LOAD = 100_000;

/** What one table copy to an empty node took. */
export interface MnesiaJoin {
  readonly ms: number;
  /** Longest time that a write was late on the node that has the table. */
  readonly stallMs: number;
  readonly bytes: number;
}

/** What can be read, as the script names it. */
export type MnesiaRead = "keys" | "ets" | "mnesia" | "miss" | "scan";

/** Whether Erlang with Mnesia is installed here; if not, why. */
export function mnesiaMissing(): string {
  try {
    execFileSync("which", ["erl", "erlc", "epmd"], { stdio: "ignore", timeout: 5000 });
  } catch {
    return "Erlang is not installed (npm run services)";
  }
  const ask = "io:put_chars(atom_to_list(code:which(mnesia) =/= non_existing)),halt().";
  const found = execFileSync("erl", ["-noshell", "-eval", ask], { encoding: "utf8" });
  return found === "true" ? "" : "Erlang has no Mnesia here (npm run services)";
}

/** A cluster of Mnesia nodes with one table of sessions in memory. */
export class Mnesia implements Side {
  readonly name = "Mnesia";
  /** Bytes of one row in Erlang's external term format. */
  readonly rowBytes: number;
  /** Erlang/OTP release, for example "25". */
  readonly release: string;
  readonly #nodes: readonly ErlangNode[];
  readonly #members: number;
  readonly #leftovers: readonly (() => void)[];
  #sizeBefore = 0;

  private constructor(
    parts: { nodes: readonly ErlangNode[]; members: number; leftovers: readonly (() => void)[] },
    facts: { rowBytes: number; release: string },
  ) {
    this.#nodes = parts.nodes;
    this.#members = parts.members;
    this.#leftovers = parts.leftovers;
    this.rowBytes = facts.rowBytes;
    this.release = facts.release;
  }

  /** `members` nodes with the table, and `spares` that run but do not know of it. */
  static async start(members: number, spares = 0): Promise<Mnesia> {
    const folder = mkdtempSync(join(tmpdir(), "skein-bench-mnesia-"));
    const leftovers = [() => rmSync(folder, { recursive: true, force: true })];
    const nodes: ErlangNode[] = [];
    try {
      execFileSync("erlc", ["-o", folder, SCRIPT], { timeout: 30_000 });
      const port = await freePort();
      const epmd = await startEpmd(port);
      const killEpmd = () => epmd.kill();
      // The nodes end with their input; epmd would outlive a benchmark that is interrupted.
      process.once("exit", killEpmd);
      leftovers.push(() => {
        process.off("exit", killEpmd);
        killEpmd();
      });
      for (let number = 1; number <= members + spares; number++) {
        nodes.push(new ErlangNode({ number, folder, epmdPort: port }));
      }
      const [first, ...others] = nodes;
      if (!first) throw new Error(`Mnesia needs at least one node, not ${members}`);
      await Promise.all(nodes.map((node) => node.ready()));
      const names = others.slice(0, members - 1).map((node) => node.name);
      const facts = await first.ask(`{connect, [${names.join(", ")}]}`);
      await first.ask(`{create, [${[first.name, ...names].join(", ")}]}`);
      return new Mnesia(
        { nodes, members, leftovers },
        { rowBytes: Number(facts.rowBytes), release: String(facts.release) },
      );
    } catch (error) {
      await stopAll(nodes, leftovers);
      throw error;
    }
  }

  get pids(): readonly number[] {
    return this.#nodes.slice(0, this.#members).map((node) => node.pid);
  }

  /** Writes rows without waiting for the replicas. */
  async load(from: number, count: number): Promise<void> {
    for (let row = from; row < from + count; row += ROWS_PER_LOAD) {
      const rows = Math.min(ROWS_PER_LOAD, from + count - row);
      const { size } = await this.#first.ask(`{load, ${row}, ${rows}}`);
      this.#sizeBefore = Number(size);
    }
  }

  async start(load: Load): Promise<void> {
    const names = this.#nodes.slice(0, load.nodes).map((node) => node.name);
    const what = `${load.callers}, ${load.rowsPerCall}, ${load.kind}`;
    await this.#first.ask(`{drive, [${names.join(", ")}], ${what}}`);
  }

  async mark(): Promise<void> {
    await this.#first.ask("mark");
  }

  async finish(): Promise<Finished> {
    const { rate, p50, p99, max } = await this.#first.ask("finish");
    return {
      rate: Number(rate),
      p50: Number(p50),
      p99: Number(p99),
      max: Number(max),
      delayP99Ms: Number.NaN,
      delayMaxMs: Number.NaN,
    };
  }

  async settle(): Promise<void> {
    const { equal, size } = await this.#first.ask("check");
    if (equal !== true) throw new Error(`Mnesia's replicas differ (${size} rows on the first)`);
    const after = await this.#first.ask("forget");
    if (after.size !== this.#sizeBefore) {
      throw new Error(`Mnesia holds ${after.size} rows after clean-up, not ${this.#sizeBefore}`);
    }
  }

  /** Reads per second of one Erlang process. */
  async read(kind: MnesiaRead, rows: number, measuredMs: number): Promise<number> {
    return Number((await this.#first.ask(`{read, ${kind}, ${rows}, ${measuredMs}}`)).rate);
  }

  /** Copies the table to the first spare node while a writer goes on. */
  async join(): Promise<MnesiaJoin> {
    const spare = this.#nodes[this.#members];
    if (!spare) throw new Error("there is no spare node");
    const joined = await this.#first.ask(`{join, ${spare.name}}`);
    if (joined.equal !== true) throw new Error("Mnesia's copies differ after the join");
    return {
      ms: Number(joined.ms),
      stallMs: Number(joined.stallMs),
      bytes: Number(joined.bytes),
    };
  }

  /** Bytes that the first node's sockets to the others have carried so far, both ways. */
  async traffic(): Promise<number> {
    return Number((await this.#first.ask("traffic")).bytes);
  }

  /** Bytes of the table by Mnesia's own count, on the first node. */
  async tableBytes(): Promise<number> {
    return Number((await this.#first.ask("memory")).tableBytes);
  }

  async stop(): Promise<void> {
    await stopAll(this.#nodes, this.#leftovers);
  }

  get #first(): ErlangNode {
    const [first] = this.#nodes;
    if (!first) throw new Error("there is no node");
    return first;
  }
}

async function stopAll(
  nodes: readonly ErlangNode[],
  leftovers: readonly (() => void)[],
): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
  for (const remove of leftovers) remove();
}

/** In the foreground, so that it is ours to end; ready when it accepts connections. */
async function startEpmd(port: number): Promise<ChildProcess> {
  const args = ["-port", String(port), "-address", "127.0.0.1"];
  const epmd = spawn("epmd", args, { stdio: "ignore" });
  for (let tries = 0; tries < EPMD_TRIES && epmd.exitCode === null; tries++) {
    if (await accepts(port)) return epmd;
    await pause(20);
  }
  epmd.kill();
  throw new Error(`epmd does not answer on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
}
