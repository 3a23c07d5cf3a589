/**
 * Clients of serial calls. Each has one call under way at a time, on a key of its choice, through
 * the machine that the public calls use, and writes down when it began, when it ended and how.
 */
import { AbortedError, SerialUnknownError, SkeinError } from "../../src/errors.ts";
import { encodeKey } from "../../src/tables/key.ts";
import { type Decision, ReservedKey } from "../../src/tables/serial/decisions.ts";
import type { Pending } from "../../src/tables/serial/requests.ts";
import { versionOf } from "../../src/tables/table-reads.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue } from "../../src/tables/value.ts";
import type { Fleet, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { LinearAction, LinearCall, LinearResult } from "./linear.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SERIAL_TABLES, type SerialScript } from "./serial-scenario.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What the clients work with. */
export interface ClientParts {
  readonly script: SerialScript;
  readonly time: VirtualClock;
  readonly random: SeededRandom;
  readonly fleet: Fleet;
  readonly totals: Totals;
  readonly trace: Trace | null;
  /** Code has begun to hold on to a key of `available` mode. */
  readonly held: (life: Incarnation, resource: string) => void;
}

/** A call as it goes on. */
interface Record {
  readonly client: string;
  readonly begun: number;
  ended: number | null;
  readonly action: LinearAction;
  result: LinearResult | null;
  /** It had no effect, by its own word. */
  isVoid: boolean;
}

/** Who holds on to a key now. */
export interface SimHold {
  readonly life: Incarnation;
  readonly resource: string;
}

const KEYS = ["a", "b"];

/** All clients of a run. */
export class SerialClients {
  /** By table and key. */
  readonly histories = new Map<string, Record[]>();
  readonly holds = new Set<SimHold>();
  readonly #parts: ClientParts;
  #moment = 0;
  #values = 0;
  #isOver = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Rises with each call and each return. */
  nextMoment(): number {
    return ++this.#moment;
  }

  start(): void {
    for (const [at, client] of this.#parts.script.clients.entries()) {
      const random = this.#parts.random.fork(500 + at);
      this.#later(random.between(0, 1000), () => this.#next({ ...client, at, random, lives: 0 }));
    }
  }

  /** No new calls from now on. */
  end(): void {
    this.#isOver = true;
  }

  /** The calls of a history as the search takes them. */
  static callsOf(records: readonly Record[]): LinearCall[] {
    return records.filter(({ isVoid }) => !isVoid);
  }

  /** One call on a fresh key by that life; `settled` is told how it ended. */
  probe(life: Incarnation, of: { table: number; key: string }, settled: (how: string) => void) {
    const { state, quorum, key, reserved } = this.#keyOf(life, of.table, of.key);
    const value = encodeValue(`probe ${this.#values++}`);
    const { serial } = life.engine.tables;
    try {
      serial.request({
        resource: `${state.id}|${key}`,
        quorum,
        deadline: life.engine.tables.now() + 10_000,
        holdMs: null,
        run: () => reserved.insertNew(value).seq,
        done: () => settled("done"),
        fail: (error) => settled(error.message),
      });
    } catch (error) {
      settled(String(error));
    }
  }

  #later(ms: number, run: () => void): void {
    this.#parts.time.after(ms, () => {
      if (!this.#isOver) run();
    });
  }

  #next(client: Client): void {
    const { fleet } = this.#parts;
    const { random } = client;
    const life = fleet.node(client.node).current;
    const again = (): void =>
      this.#later(random.between(0, 2 * client.thinkMs), () => this.#next(client));
    if (!fleet.isHealthy(life)) return this.#later(200, () => this.#next(client));
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      again();
    };
    // A process that ends takes its calls with it: the client goes on with the next process.
    const watch = (): void => {
      if (isOver) return;
      if (isWaiting(life)) return this.#later(300, watch);
      client.lives++;
      over();
    };
    this.#later(300, watch);
    life.process.call(() => this.#call(client, life, over));
  }

  #call(client: Client, life: Incarnation, over: () => void): void {
    const { random } = client;
    const { script, totals } = this.#parts;
    const table = random.int(0, SERIAL_TABLES.length - 1);
    const chosen = KEYS[random.int(0, script.keyCount - 1)] as string;
    const target = this.#keyOf(life, table, chosen);
    totals.serialCalls++;
    const timeoutMs = random.pick([300, 2000, 8000]);
    if (random.chance(0.1)) return this.#hold(client, life, { ...target, timeoutMs, over });
    const { action, run } = this.#actionOf(random, life, target);
    const record: Record = {
      client: `${client.at}.${client.lives}`,
      begun: this.nextMoment(),
      ended: null,
      action,
      result: null,
      isVoid: false,
    };
    this.#historyOf(target.resource).push(record);
    const who = `${life.who} client ${record.client}`;
    this.#note(who, `${target.resource} ${JSON.stringify(action)} at ${record.begun}`);
    let result: LinearResult = {};
    const fail = (error: unknown): void => {
      if (!(error instanceof SkeinError)) throw error;
      const isUnknown = error instanceof SerialUnknownError && error.isWritten;
      if (isUnknown) totals.serialUnknown++;
      else record.isVoid = true;
      this.#note(who, `${record.begun} fails: ${error.message}`);
      over();
    };
    try {
      life.engine.tables.serial.request({
        resource: target.resource,
        quorum: target.quorum,
        deadline: life.engine.tables.now() + timeoutMs,
        holdMs: null,
        run: () => {
          const decision = run();
          result = decision.result;
          this.#note(who, `${record.begun} decides ${JSON.stringify(decision)}`);
          return decision.seq;
        },
        done: () => {
          record.ended = this.nextMoment();
          record.result = result;
          totals.serialDone++;
          this.#note(who, `${record.begun} ends at ${record.ended}: ${JSON.stringify(result)}`);
          over();
        },
        fail,
      });
    } catch (error) {
      fail(error);
    }
  }

  #hold(
    client: Client,
    life: Incarnation,
    of: { resource: string; quorum: boolean; timeoutMs: number; over: () => void },
  ): void {
    const { serial } = life.engine.tables;
    let hold: SimHold | null = null;
    let pending: Pending | null = null;
    const settled = (): void => {
      if (hold !== null) this.holds.delete(hold);
      hold = null;
      of.over();
    };
    try {
      pending = serial.request({
        resource: of.resource,
        quorum: of.quorum,
        deadline: life.engine.tables.now() + of.timeoutMs,
        holdMs: 4000,
        run: () => {
          if (!of.quorum) {
            this.#parts.held(life, of.resource);
            hold = { life, resource: of.resource };
            this.holds.add(hold);
          }
          this.#parts.totals.serialHolds++;
          life.process.after(client.random.between(0, 800), () => {
            if (hold !== null) this.holds.delete(hold);
            hold = null;
            if (pending !== null) serial.finish(pending);
          });
          return null;
        },
        done: settled,
        fail: settled,
      });
      // Some callers lose patience.
      const aborted = pending;
      if (client.random.chance(0.1)) {
        life.process.after(client.random.between(0, 500), () => {
          serial.cancel(aborted, new AbortedError("aborted"));
        });
      }
    } catch {
      settled();
    }
  }

  #keyOf(life: Incarnation, at: number, name: string): Target {
    const table = SERIAL_TABLES[at] as (typeof SERIAL_TABLES)[number];
    const state = life.declare(table);
    const { write, replica } = life.engine.tables;
    const key = encodeKey(name);
    const { quorum } = table;
    const reserved = new ReservedKey({ state, write, ids: replica.origins.ids, key, quorum });
    return { state, key, quorum, reserved, resource: `${state.id}|${key}` };
  }

  #actionOf(
    random: SeededRandom,
    life: Incarnation,
    target: Target,
  ): { action: LinearAction; run: () => Decision<LinearResult> } {
    const value = `v${this.#values++}`;
    const encoded = encodeValue(value);
    const { reserved } = target;
    const share = random.float();
    if (share < 0.3) {
      return {
        action: { kind: "insert", value },
        run: () => {
          const { seq, result } = reserved.insertNew(encoded);
          return { seq, result: { wrote: result } };
        },
      };
    }
    if (share < 0.5) {
      return {
        action: { kind: "insert", value },
        run: () => {
          const { seq, result } = reserved.getOrInsert(() => encoded);
          const before = result.inserted ? null : String(result.value);
          return { seq, result: { wrote: result.inserted, before } };
        },
      };
    }
    const row = target.state.visible(target.key);
    if (share < 0.7 && row !== undefined) {
      const version = versionOf(life.engine.tables.replica.origins.ids, row);
      return {
        action: { kind: "replace", expected: String(row.read()), value },
        run: () => {
          const { seq, result } = reserved.replaceIf(version, encoded);
          return { seq, result: { wrote: result } };
        },
      };
    }
    const isRemoval = random.chance(0.6);
    return {
      action: { kind: "set", value: isRemoval ? null : value },
      run: () => {
        const { seq, result } = reserved.set(() => (isRemoval ? undefined : encoded));
        return { seq, result: { before: result === undefined ? null : String(result) } };
      },
    };
  }

  #historyOf(resource: string): Record[] {
    let history = this.histories.get(resource);
    if (history === undefined) {
      history = [];
      this.histories.set(resource, history);
    }
    return history;
  }

  #note(who: string, what: string): void {
    this.#parts.trace?.(this.#parts.time.nowMs, who, what);
  }
}

/** Its calls may still end. */
function isWaiting({ process, fencedBy, left }: Incarnation): boolean {
  return process.alive && fencedBy === null && !left;
}

interface Target {
  readonly state: TableState;
  readonly key: string;
  readonly quorum: boolean;
  readonly reserved: ReservedKey;
  readonly resource: string;
}

interface Client {
  readonly at: number;
  readonly node: number;
  readonly thinkMs: number;
  readonly random: SeededRandom;
  /** Processes that it has lost. */
  lives: number;
}
