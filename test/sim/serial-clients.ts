/**
 * Clients of serial calls. Each has one call under way at a time, on a key of its choice, through
 * the machine that the public calls use, and writes down when it began, when it ended and how.
 */
import {
  AbortedError,
  SerialUnknownError,
  SkeinError,
  UnsupportedError,
} from "../../src/errors.ts";
import type { Pending } from "../../src/tables/serial/requests.ts";
import { encodeValue } from "../../src/tables/value.ts";
import type { Fleet, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { LinearAction, LinearCall, LinearResult } from "./linear.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { actOn, type Target, targetOf } from "./serial-actions.ts";
import type { SerialScript, SerialTable } from "./serial-scenario.ts";
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
  /** A call decides, or its code begins to hold on to the key. */
  readonly ran: (life: Incarnation, resource: string) => void;
  /** A call that wrote has returned. */
  readonly returned: (life: Incarnation, resource: string) => void;
}

/** A call as it goes on. */
interface Record {
  readonly client: string;
  readonly who: string;
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

interface HoldTarget extends Target {
  readonly timeoutMs: number;
  readonly over: () => void;
}

const KEYS = ["a", "b"];
/** Longer than any code of these clients holds on to its key. */
const HOLD_MS = 4000;

/** All clients of a run. */
export class SerialClients {
  /** By table and key. */
  readonly histories = new Map<string, Record[]>();
  readonly holds = new Set<SimHold>();
  readonly #parts: ClientParts;
  /** Who was to write a value. */
  readonly #writers = new Map<string, Incarnation>();
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

  /** Values by who was to write them. */
  get writers(): ReadonlyMap<string, Incarnation> {
    return this.#writers;
  }

  /** One call on a fresh key by that life; `settled` is told how it ended. */
  probe(life: Incarnation, at: number, settled: (how: string) => void): void {
    const table = this.#parts.script.serialTables[at] as SerialTable;
    const { quorum, reserved, resource } = targetOf(life, table, "rest");
    const value = encodeValue(`probe ${this.#values++}`);
    const { serial } = life.engine.tables;
    try {
      serial.request({
        resource,
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
    const table = random.pick(script.serialTables);
    const chosen = KEYS[random.int(0, script.keyCount - 1)] as string;
    const target = targetOf(life, table, chosen);
    totals.serialCalls++;
    const timeoutMs = random.pick([300, 2000, 8000]);
    if (random.chance(script.holdShare)) {
      return this.#hold(client, life, { ...target, timeoutMs, over });
    }
    const value = `v${this.#values++}`;
    const { action, run } = actOn(random, { life, target, value });
    const record = this.#begin(client, life, { resource: target.resource, action });
    let result: LinearResult = {};
    let wrote = false;
    this.#request(life, {
      ...{ record, target, timeoutMs, over, holdMs: null },
      run: () => {
        this.#parts.ran(life, target.resource);
        const decision = run();
        result = decision.result;
        wrote = decision.seq > 0;
        this.#note(record, `decides ${JSON.stringify(decision)}`);
        return decision.seq;
      },
      done: () => {
        this.#end(record, result);
        if (wrote) this.#parts.returned(life, target.resource);
      },
    });
  }

  /** Holds on to a key for a while; some write under it with a plain set before they end. */
  #hold(client: Client, life: Incarnation, of: HoldTarget): void {
    const { random } = client;
    const value = `v${this.#values++}`;
    const isWriter = !of.quorum && random.chance(0.5);
    const action: LinearAction = { kind: "set", value };
    const record = isWriter ? this.#begin(client, life, { resource: of.resource, action }) : null;
    let hold: SimHold | null = null;
    let pending: Pending | null = null;
    let wrote = false;
    const giveUp = (): void => {
      if (hold !== null) this.holds.delete(hold);
      hold = null;
    };
    const finish = (): void => {
      // Calls of a node that has said goodbye have failed.
      if (hold === null || pending === null || life.left) return;
      if (isWriter) {
        life.engine.tables.write.set(of.state, of.key, encodeValue(value));
        wrote = true;
      }
      giveUp();
      life.engine.tables.serial.finish(pending);
    };
    pending = this.#request(life, {
      ...{ record, target: of, timeoutMs: of.timeoutMs, holdMs: HOLD_MS },
      run: () => {
        this.#parts.ran(life, of.resource);
        hold = { life, resource: of.resource };
        this.holds.add(hold);
        this.#parts.totals.serialHolds++;
        life.process.after(random.between(0, 800), finish);
        return null;
      },
      done: () => {
        giveUp();
        if (record !== null) this.#end(record, {});
      },
      over: () => {
        giveUp();
        // Code that has lost its key before it wrote writes nothing any more.
        if (record !== null && !wrote) record.isVoid = true;
        of.over();
      },
    });
    // Some callers lose patience.
    const aborted = pending;
    if (aborted === null || !random.chance(0.1)) return;
    life.process.after(random.between(0, 500), () => {
      life.engine.tables.serial.cancel(aborted, new AbortedError("aborted"));
    });
  }

  /** Asks for the key; `over` is told at the end in any case. */
  #request(
    life: Incarnation,
    of: {
      readonly record: Record | null;
      readonly target: Target;
      readonly timeoutMs: number;
      readonly holdMs: number | null;
      readonly run: () => number | null;
      readonly done: () => void;
      readonly over: () => void;
    },
  ): Pending | null {
    const { record, target, timeoutMs, holdMs, run, done, over } = of;
    const fail = (error: unknown): void => {
      if (!(error instanceof SkeinError)) throw error;
      const isUnknown = error instanceof SerialUnknownError && error.isWritten;
      if (isUnknown) this.#parts.totals.serialUnknown++;
      if (error instanceof UnsupportedError) this.#parts.totals.serialTooOld++;
      if (record !== null) {
        if (!isUnknown) record.isVoid = true;
        this.#note(record, `fails: ${error.message}`);
      }
      over();
    };
    try {
      return life.engine.tables.serial.request({
        ...{ resource: target.resource, quorum: target.quorum, holdMs, run, fail },
        deadline: life.engine.tables.now() + timeoutMs,
        done: () => {
          done();
          over();
        },
      });
    } catch (error) {
      fail(error);
      return null;
    }
  }

  #begin(
    client: Client,
    life: Incarnation,
    of: { readonly resource: string; readonly action: LinearAction },
  ): Record {
    const { resource, action } = of;
    const name = `${client.at}.${client.lives}`;
    const record: Record = {
      ...{ client: name, who: life.who, begun: this.nextMoment(), ended: null },
      ...{ action, result: null, isVoid: false },
    };
    this.#historyOf(resource).push(record);
    if (action.value !== null) this.#writers.set(action.value, life);
    this.#note(record, `${resource} ${JSON.stringify(action)}`);
    return record;
  }

  #end(record: Record, result: LinearResult): void {
    record.ended = this.nextMoment();
    record.result = result;
    this.#parts.totals.serialDone++;
    this.#note(record, `ends at ${record.ended}: ${JSON.stringify(result)}`);
  }

  #historyOf(resource: string): Record[] {
    let history = this.histories.get(resource);
    if (history === undefined) {
      history = [];
      this.histories.set(resource, history);
    }
    return history;
  }

  #note({ who, client, begun }: Record, what: string): void {
    const { trace, time } = this.#parts;
    trace?.(time.nowMs, `${who} client ${client}`, `${begun}: ${what}`);
  }
}

/** Its calls may still end. */
function isWaiting({ process, fencedBy, left }: Incarnation): boolean {
  return process.alive && fencedBy === null && !left;
}

interface Client {
  readonly at: number;
  readonly node: number;
  readonly thinkMs: number;
  readonly random: SeededRandom;
  /** Processes that it has lost. */
  lives: number;
}
