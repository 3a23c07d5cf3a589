/**
 * The processes of the demonstration together: the place where they find each other, what each
 * is expected to have written, and the end of it all. Asks and signals; judges nothing.
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Charge } from "./charge.ts";
import { DemoProcess } from "./process.ts";
import type { Orders, View } from "./protocol.ts";
import { waitFor } from "./wait.ts";

// Generous, for the machine may have other things to do; on an idle one all take seconds.
const START_LIMIT_MS = 45_000;
const EQUAL_LIMIT_MS = 30_000;
const FILL_LIMIT_MS = 60_000;
const WARDEN_LIMIT_MS = 8_000;

/** A process and what it says it sees. */
export interface Seen {
  readonly process: DemoProcess;
  readonly view: View;
}

/** How a demonstration is set up. */
export interface DemoSetup {
  readonly nodes: number;
  /** On each node. */
  readonly rows: number;
  /** A discovery URL; absent: an SQLite file in a fresh temporary folder. */
  readonly url?: string;
}

/** See the head of this file. */
export class DemoCluster {
  readonly setup: DemoSetup;
  readonly names: readonly string[];
  readonly #warden: ChildProcess;
  readonly #wardenEnded: Promise<void>;
  readonly #folder: string | undefined;
  readonly #cluster: string;
  readonly #url: string;
  readonly #processes = new Map<string, DemoProcess>();
  /** Rows that each node has written and not deleted: what all must see of it while it lives. */
  readonly #written = new Map<string, number>();
  #rounds = 0;
  #closing: Promise<void> | undefined;

  private constructor(setup: DemoSetup, folder: string | undefined, url: string) {
    this.setup = setup;
    this.names = Array.from("abcdefghi").slice(0, setup.nodes);
    this.#folder = folder;
    this.#url = url;
    this.#cluster = `demo-${randomBytes(6).toString("hex")}`;
    this.#warden = fork(new URL("./warden.js", import.meta.url), {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [],
    });
    this.#wardenEnded = new Promise((resolve) => {
      this.#warden.once("exit", () => resolve());
      this.#warden.once("error", () => resolve());
    });
    this.#charge();
  }

  /** Makes the place; starts no node. */
  static async open(setup: DemoSetup): Promise<DemoCluster> {
    if (setup.url !== undefined) return new DemoCluster(setup, undefined, setup.url);
    const folder = await mkdtemp(join(tmpdir(), "skein-demo-"));
    const file = pathToFileURL(join(folder, "discovery.db")).pathname;
    return new DemoCluster(setup, folder, `sqlite:${file}`);
  }

  /** The kind of database; the URL itself may hold a password. */
  get discovery(): string {
    return this.#url.split(":", 1)[0] ?? "";
  }

  get processes(): readonly DemoProcess[] {
    return [...this.#processes.values()];
  }

  get running(): readonly DemoProcess[] {
    return this.processes.filter((process) => process.state === "running");
  }

  /** The process that has this name now; its earlier ones are gone. */
  process(name: string): DemoProcess {
    const found = this.#processes.get(name);
    if (!found) throw new Error(`no process has the name ${name}`);
    return found;
  }

  /** A number that no earlier call gave: values written with it are new. */
  nextRound(): number {
    this.#rounds += 1_000_000;
    return this.#rounds;
  }

  /** Starts the process of that name and its node; resolves when the node is ready. */
  async start(name: string): Promise<Orders["start"]["answer"]> {
    const process = new DemoProcess(name);
    this.#processes.set(name, process);
    this.#written.set(name, 0);
    this.#charge();
    process.ended.then(() => this.#charge());
    const order = { cluster: this.#cluster, name, url: this.#url };
    return process.start(order, START_LIMIT_MS);
  }

  /** The node writes its sessions; resolves when all others have acknowledged. */
  async fill(name: string): Promise<Orders["fill"]["answer"]> {
    const { rows } = this.setup;
    const order = { count: rows, round: this.nextRound() };
    const answer = await this.process(name).ask("fill", order, FILL_LIMIT_MS);
    this.#written.set(name, rows);
    return answer;
  }

  /** Deletes the last sessions of a node, on that node. */
  async remove(name: string, count: number): Promise<{ readonly first: number }> {
    const first = this.written(name) - count;
    await this.process(name).ask("remove", { first, count });
    this.#written.set(name, first);
    return { first };
  }

  /** Rows that this node has written and not deleted. */
  written(name: string): number {
    return this.#written.get(name) ?? 0;
  }

  /** What those processes see, all asked at once. */
  look(processes: readonly DemoProcess[] = this.running): Promise<Seen[]> {
    return Promise.all(
      processes.map(async (process) => ({ process, view: await process.ask("look", {}) })),
    );
  }

  /**
   * Waits until all running processes show the rows of all running nodes, exactly so many, with
   * one digest; then has each sum up its rows by reading them, and compares those sums.
   */
  async equal(): Promise<{ readonly rows: number; readonly digest: string; tookMs: number }> {
    const { running } = this;
    const rows = running.reduce((sum, { name }) => sum + this.written(name), 0);
    let last: Seen[] = [];
    const { value: digest, tookMs } = await waitFor(
      { limitMs: EQUAL_LIMIT_MS, what: `equal tables of ${rows} rows` },
      async () => {
        last = await this.look(running);
        const first = last[0]?.view.digest;
        const same = last.every(({ view }) => view.rows === rows && view.digest === first);
        return same ? first : undefined;
      },
      () => last.map(({ process, view }) => `${process.name}: ${view.rows} rows`).join(", "),
    );
    const sums = await Promise.all(
      running.map((process) => process.ask("sum", {}, EQUAL_LIMIT_MS)),
    );
    const sum = sums[0]?.sum;
    if (!sums.every((one) => one.sum === sum && one.rows === rows)) {
      const each = sums.map((one, at) => `${running[at]?.name}: ${one.rows} rows ${one.sum}`);
      throw new Error(`equal digests, but not equal rows (${each.join(", ")})`);
    }
    return { rows, digest, tookMs };
  }

  /** Ends every process and removes the folder. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** What is left after closing: nothing, one hopes. */
  leftovers(): readonly string[] {
    const left = this.processes
      .filter((process) => isAlive(process.pid))
      .map((process) => `process ${process.name} (${process.pid})`);
    if (this.#folder !== undefined && existsSync(this.#folder)) left.push(this.#folder);
    return left;
  }

  async #close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.end()));
    this.#charge();
    if (this.#warden.connected) this.#warden.disconnect();
    const limit = setTimeout(() => this.#warden.kill("SIGKILL"), WARDEN_LIMIT_MS);
    await this.#wardenEnded;
    clearTimeout(limit);
  }

  #charge(): void {
    const pids = this.processes
      .filter((process) => process.state !== "ended" && process.pid > 0)
      .map((process) => process.pid);
    const folder = this.#folder;
    const charge: Charge = { pids, ...(folder === undefined ? {} : { folder }) };
    if (this.#warden.connected) this.#warden.send(charge, () => {});
  }
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
