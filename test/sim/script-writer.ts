/** Makes the writes of a script happen, through the same calls that the public tables make. */
import { SplitError } from "../../src/errors.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue } from "../../src/tables/value.ts";
import type { Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Script, ScriptAction, WriteVerb } from "./script.ts";
import type { SplitChecker } from "./split-checker.ts";
import type { WriteChecker } from "./write-checker.ts";

/** The action of a write. */
export type WriteAction = Extract<ScriptAction, { kind: "write" }>;

/** Keys of every kind; a script names them by index. */
export const KEYS: readonly string[] = Array.from({ length: 19 }, (_, at) => {
  const kinds = [`k${at}`, ["t", at], at, BigInt(at)];
  return encodeKey(kinds[at % kinds.length]);
});

/** The writer. */
export class ScriptWriter {
  readonly #script: Script;
  readonly #checker: WriteChecker;
  readonly #splits: SplitChecker;
  readonly #nowMs: () => number;
  readonly #trace: Trace | null;
  #valueCount = 0;

  constructor(
    parts: {
      readonly script: Script;
      readonly checker: WriteChecker;
      readonly splits: SplitChecker;
      readonly nowMs: () => number;
    },
    trace: Trace | null,
  ) {
    this.#script = parts.script;
    this.#checker = parts.checker;
    this.#splits = parts.splits;
    this.#nowMs = parts.nowMs;
    this.#trace = trace;
  }

  /** Writes on a turn of that node, and waits as the action says. */
  write(life: Incarnation, action: WriteAction): void {
    const table = this.#script.tables[action.table % this.#script.tables.length];
    if (table === undefined) return;
    life.process.call(() => {
      const state = life.declare(table);
      if (!this.#admit(life, state)) return;
      const seq = this.#call(life, state, action);
      const { ack, timeoutMs } = action;
      if (seq > 0) this.#checker.await(life, seq, { ack, timeoutMs, table: state });
    });
  }

  /** False if the table is paused here. */
  #admit(life: Incarnation, table: TableState): boolean {
    try {
      this.#splits.admit(life, table);
      return true;
    } catch (error) {
      if (!(error instanceof SplitError)) throw error;
      this.#trace?.(this.#nowMs(), life.who, `refuses ${table.id}: ${error.message}`);
      return false;
    }
  }

  #call(life: Incarnation, table: TableState, action: WriteAction): number {
    const keys = action.keys.map((at) => KEYS[at % KEYS.length] as string);
    const number = this.#valueCount++;
    const u = `u${number % 3}`;
    // Bags get few distinct values, so that equal ones meet.
    const value = encodeValue(table.type === "bag" ? { u } : { u, n: number });
    const verb = verbFor(table, action.verb);
    const seq = this.#checker.during({ verb, value }, () =>
      callWriter(life, { table, keys, value, verb }),
    );
    if (seq === 0) {
      this.#checker.nothingDone(life, verb, { table: table.id, key: keys[0] as string });
    }
    this.#trace?.(this.#nowMs(), life.who, `${verb} ${table.id} ${action.keys} -> ${seq}`);
    return seq;
  }
}

/** What the verb comes to in a table of that type. */
function verbFor(table: TableState, verb: WriteVerb): WriteVerb {
  if (table.type === "bag") {
    if (verb === "set" || verb === "patch") return "add";
    if (verb === "withdraw") return "delete";
    return verb === "setMany" ? "addMany" : verb;
  }
  if (verb === "add") return "set";
  return verb === "remove" ? "delete" : verb;
}

function callWriter(
  life: Incarnation,
  call: {
    readonly table: TableState;
    readonly keys: readonly string[];
    readonly value: string;
    readonly verb: WriteVerb;
  },
): number {
  const { table, keys, value, verb } = call;
  const key = keys[0] as string;
  const { write } = life.engine.tables;
  const entries = keys.map((each): [string, string] => [each, value]);
  switch (verb) {
    case "set":
      return write.set(table, key, value);
    case "setMany":
      return write.setMany(table, entries);
    case "patch":
      return write.patch(table, key, value);
    case "delete":
      return write.delete(table, key);
    case "withdraw":
      return write.withdraw(table, key);
    case "deleteMany":
      return write.deleteMany(table, keys);
    case "add":
      return write.add(table, key, value);
    case "addMany":
      return write.addMany(table, entries);
    case "remove":
      return write.remove(table, key, value);
    default:
      return verb satisfies never;
  }
}
