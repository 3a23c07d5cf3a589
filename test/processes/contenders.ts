/**
 * Serial calls under load: every node raises one counter and races for names, again and again, in
 * a table with one winner in the whole cluster. Each call is logged before it is made and when
 * it has settled, in a file that outlives the process.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Node, Table } from "../../src/index.ts";
import type { NodePlan } from "./plan.ts";

/** What the rows hold: the counter's value, or whoever has won a name. */
interface Won {
  readonly n: number;
  readonly by: string;
}

const COUNTER = "counter";
/** Names that the nodes race for follow the clock, so that all race for the same ones. */
const NAME_MS = 1000;
const CALL_LIMIT_MS = 8000;

/** See the head of this file. */
export class Contenders {
  readonly #table: Table<Won>;
  readonly #plan: NodePlan;
  readonly #log: number;
  readonly #by: string;
  #racing = true;
  #ids = 0;
  readonly #loops: Promise<void>[];

  constructor(node: Node, plan: NodePlan) {
    this.#plan = plan;
    this.#by = `${plan.name} ${node.origin}`;
    const options = { lifetime: "cluster", serial: "quorum" } as const;
    this.#table = node.table<Won>("elections", options);
    this.#log = openSync(`${plan.folder}/serial-${plan.name}-${node.origin}.ndjson`, "a");
    this.#loops = [this.#count(), this.#race()];
  }

  async rest(): Promise<void> {
    this.#racing = false;
    await Promise.all(this.#loops);
    closeSync(this.#log);
  }

  /** Rows as a reader sees them: the counter, and who has each name. */
  rows(): Readonly<Record<string, Won>> {
    const rows: Record<string, Won> = {};
    for (const [key, won] of this.#table) rows[String(key)] = won;
    return rows;
  }

  async #count(): Promise<void> {
    while (this.#racing) {
      await this.#make("count", COUNTER, async () => {
        const raise = (now: Won | undefined) => ({ n: (now?.n ?? 0) + 1, by: this.#by });
        const before = await this.#table.setSerial(COUNTER, raise, { timeoutMs: CALL_LIMIT_MS });
        return before?.n ?? 0;
      });
      await pause(this.#plan.pauseMs * (0.5 + Math.random()));
    }
  }

  async #race(): Promise<void> {
    while (this.#racing) {
      await pause(NAME_MS - (Date.now() % NAME_MS));
      const name = `name ${Math.floor(Date.now() / NAME_MS)}`;
      await this.#make("race", name, () =>
        this.#table.insertNew(name, { n: 0, by: this.#by }, { timeoutMs: CALL_LIMIT_MS }),
      );
    }
  }

  async #make(call: string, key: string, make: () => Promise<unknown>): Promise<void> {
    const id = this.#ids++;
    this.#line({ id, call, key, by: this.#by });
    try {
      this.#line({ done: id, result: await make() });
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      this.#line({ failed: id, code });
    }
  }

  #line(fields: object): void {
    writeSync(this.#log, `${JSON.stringify(fields)}\n`);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
