/**
 * Connections that are kept and lent out.
 *
 * A connection is connecting, idle, lent, or gone. Whoever asks gets an idle one at once, the one
 * used last; else a new one is made if there are fewer than `max`, and the asker waits in a line
 * that has a limit in length and time. A connection that failed for another reason than the
 * server's word is closed when it is given back. One timer sees to everything that has a time.
 *
 * A database that is away fails those who wait, at once, and is asked again by the next who asks:
 * there is no pause to sit out when it returns.
 */
import { NotRunningError, OverloadedError, type SkeinError, UnavailableError } from "../errors.ts";
import type { Clock, Log, Random, Timer } from "../runtime.ts";
import type { ConnectionPurpose, SqlConnection, SqlDriver } from "./connection.ts";
import { databaseError } from "./faults.ts";
import type { PoolOptions } from "./pool-options.ts";
import { Slot } from "./slot.ts";
import { plain } from "./statement.ts";

/** What the pool is given. */
export interface PoolSurroundings {
  readonly driver: SqlDriver;
  readonly purpose: ConnectionPurpose;
  readonly options: Required<PoolOptions>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How a pool is doing. Counts are since it was opened. */
export interface PoolStats {
  readonly max: number;
  /** Connections that are open: idle ones and lent ones. */
  readonly open: number;
  readonly idle: number;
  readonly connecting: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
  /** Connections made. */
  readonly connects: number;
  readonly connectFailures: number;
  /** Connections that broke or were lost. */
  readonly lost: number;
  /** Callers refused since too many waited. */
  readonly refused: number;
  /** Callers that waited in vain. */
  readonly timedOut: number;
  /** Statements that took too long for the server's own limit to end them. */
  readonly statementsTimedOut: number;
}

/** Told once: a slot, or why there is none. */
export type Acquired = (error: unknown, slot: Slot | undefined) => void;

interface Waiter {
  readonly done: Acquired;
  readonly until: number;
}

const TICK_MIN_MS = 10;
const TICK_MAX_MS = 500;
/** After the server refused another connection while others live, it is not asked again so soon. */
const GROW_PAUSE_MS = 1_000;
/** What the server has beyond its own limit before its connection is given up. */
const GRACE_MAX_MS = 1_000;
const JITTER = 0.1;
const PING = plain("select 1");

/** See the head of this file. */
export class Pool {
  readonly #driver: SqlDriver;
  readonly #purpose: ConnectionPurpose;
  readonly #options: Required<PoolOptions>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #slots = new Set<Slot>();
  readonly #idle: Slot[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #graceMs: number;
  #connecting = 0;
  /** Why no connection can be made, if the last attempt failed. */
  #failure: SkeinError | undefined;
  #growAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #counts = {
    connects: 0,
    connectFailures: 0,
    lost: 0,
    refused: 0,
    timedOut: 0,
    statementsTimedOut: 0,
  };

  constructor(surroundings: PoolSurroundings) {
    this.#driver = surroundings.driver;
    this.#purpose = surroundings.purpose;
    this.#options = surroundings.options;
    this.#clock = surroundings.clock;
    this.#random = surroundings.random;
    this.#log = surroundings.log;
    this.#graceMs = Math.min(GRACE_MAX_MS, this.#options.statementMs / 2);
  }

  /** Makes the first connection; rejects if that fails. */
  async open(): Promise<void> {
    this.#tickLater();
    await new Promise<void>((resolve, reject) => {
      this.acquire((error, slot) => {
        if (slot === undefined) reject(error);
        else {
          this.release(slot);
          resolve();
        }
      });
    });
  }

  stats(): PoolStats {
    return {
      max: this.#options.max,
      open: this.#slots.size,
      idle: this.#idle.length,
      connecting: this.#connecting,
      waiting: this.#waiters.length,
      ...this.#counts,
    };
  }

  /** Lends a connection out, at once if one is idle. It must be given back. */
  acquire(done: Acquired): void {
    if (this.#isClosed) {
      done(new NotRunningError(`${this.#driver.subject}: its connections were closed`), undefined);
      return;
    }
    const slot = this.#waiters.length === 0 ? this.#idle.pop() : undefined;
    if (slot !== undefined) {
      done(undefined, slot);
      return;
    }
    const queued = this.#waiters.length - this.#connecting;
    if (queued >= this.#options.queueMax && !this.#mayGrow()) {
      this.#counts.refused++;
      const { queueMax, max } = this.#options;
      const text = `all ${max} connections are in use and ${queueMax} callers wait for one`;
      done(new OverloadedError(`${this.#driver.subject}: ${text}`), undefined);
      return;
    }
    this.#waiters.push({ done, until: this.#clock.now() + this.#options.acquireMs });
    this.#grow();
  }

  /** Gives a connection back. */
  release(slot: Slot): void {
    if (slot.connection.isBroken) {
      this.#remove(slot, true);
      return;
    }
    slot.idleSince = this.#clock.now();
    slot.usedAt = slot.idleSince;
    if (this.#isClosed || slot.idleSince >= slot.retireAt) {
      this.#remove(slot, false);
      return;
    }
    this.#offer(slot);
  }

  /** Waits for what is lent, for `drainMs`, and closes all connections. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#timer?.cancel();
    const error = new NotRunningError(`${this.#driver.subject}: its connections were closed`);
    for (const waiter of this.#waiters.splice(0)) waiter.done(error, undefined);
    for (const slot of this.#idle.splice(0)) this.#remove(slot, false);
    if (this.#slots.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(this.#options.drainMs, () => {
        const late = new NotRunningError(`${this.#driver.subject}: closed before this had ended`);
        for (const slot of this.#slots) slot.connection.destroy(late);
        this.#slots.clear();
        resolve();
      });
      this.#drained = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #offer(slot: Slot): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#idle.push(slot);
    else waiter.done(undefined, slot);
  }

  #remove(slot: Slot, isLost: boolean): void {
    if (!this.#slots.delete(slot)) return;
    if (this.#slots.size === 0) this.#growAt = Number.NEGATIVE_INFINITY;
    if (isLost) {
      this.#counts.lost++;
      slot.connection.destroy(new Error("the connection is broken"));
    } else void slot.connection.close();
    if (this.#isClosed) {
      if (this.#slots.size === 0) this.#drained?.();
    } else this.#grow();
  }

  #mayGrow(): boolean {
    return (
      this.#slots.size + this.#connecting < this.#options.max && this.#clock.now() >= this.#growAt
    );
  }

  /** Makes as many connections as there are callers without one in prospect, or `min` asks for. */
  #grow(): void {
    while (!this.#isClosed && this.#mayGrow()) {
      const isShort =
        this.#slots.size + this.#connecting < this.#options.min &&
        (this.#failure === undefined || this.#slots.size > 0);
      if (this.#waiters.length <= this.#connecting && !isShort) return;
      this.#connecting++;
      void this.#connect();
    }
  }

  async #connect(): Promise<void> {
    let connection: SqlConnection;
    try {
      connection = await this.#connectInTime();
    } catch (error) {
      this.#connecting--;
      this.#counts.connectFailures++;
      this.#failed(error);
      return;
    }
    this.#connecting--;
    this.#counts.connects++;
    this.#failure = undefined;
    if (this.#isClosed) {
      await connection.close();
      return;
    }
    const { lifetimeMs } = this.#options;
    const jitter = 1 + JITTER * (2 * this.#random.float() - 1);
    const slot = new Slot(connection, this.#clock, this.#clock.now() + lifetimeMs * jitter);
    this.#slots.add(slot);
    connection.onLost = (error) => this.#lost(slot, error);
    this.#offer(slot);
  }

  /** A server may take the connection and then say nothing. */
  #connectInTime(): Promise<SqlConnection> {
    const { connectMs } = this.#options;
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = this.#clock.after(connectMs * 2, () => {
        isLate = true;
        const text = `no connection within ${connectMs * 2} ms`;
        reject(new UnavailableError(`${this.#driver.subject}: ${text}`));
      });
      this.#driver.connect(this.#purpose).then(
        (connection) => {
          timer.cancel();
          if (isLate) connection.destroy(new Error("made too late"));
          else resolve(connection);
        },
        (error: unknown) => {
          timer.cancel();
          reject(error);
        },
      );
    });
  }

  /** With other connections alive those who wait may still get one; else they hear the reason. */
  #failed(cause: unknown): void {
    const error = databaseError(this.#driver, cause);
    this.#failure = error;
    if (this.#slots.size > 0) {
      this.#growAt = this.#clock.now() + GROW_PAUSE_MS;
      this.#log.warn({ error: error.message }, "no further database connection could be made");
      return;
    }
    for (const waiter of this.#waiters.splice(0)) waiter.done(error, undefined);
  }

  #lost(slot: Slot, error: unknown): void {
    const at = this.#idle.indexOf(slot);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#log.debug({ error: String(error) }, "an idle database connection was lost");
    this.#remove(slot, true);
  }

  #tickLater(): void {
    const { statementMs, acquireMs } = this.#options;
    const wanted = Math.min(statementMs, acquireMs) / 8;
    const ms = Math.max(TICK_MIN_MS, Math.min(TICK_MAX_MS, wanted));
    this.#timer = this.#clock.after(ms, () => {
      this.#tick();
      if (!this.#isClosed) this.#tickLater();
    });
  }

  #tick(): void {
    const now = this.#clock.now();
    this.#endSlowStatements(now);
    this.#endLongWaits(now);
    this.#tendIdle(now);
    this.#grow();
  }

  #endSlowStatements(now: number): void {
    const { statementMs } = this.#options;
    for (const slot of this.#slots) {
      if (now - slot.since <= statementMs + this.#graceMs) continue;
      this.#counts.statementsTimedOut++;
      slot.since = Number.POSITIVE_INFINITY;
      slot.isTimedOut = true;
      const text = `no answer within ${statementMs} ms; the connection was given up`;
      slot.connection.destroy(new UnavailableError(`${this.#driver.subject}: ${text}`));
    }
  }

  #endLongWaits(now: number): void {
    const { acquireMs, max } = this.#options;
    while (this.#waiters[0] !== undefined && this.#waiters[0].until <= now) {
      const waiter = this.#waiters.shift();
      this.#counts.timedOut++;
      const text = `none of ${max} connections became free within ${acquireMs} ms`;
      const overloaded = new OverloadedError(`${this.#driver.subject}: ${text}`);
      waiter?.done(this.#failure ?? overloaded, undefined);
    }
  }

  #tendIdle(now: number): void {
    const { idleMs, min, keepaliveMs } = this.#options;
    for (const slot of [...this.#idle]) {
      const isSpare = now - slot.usedAt >= idleMs && this.#slots.size > min;
      const isOld = now >= slot.retireAt;
      if (!isSpare && !isOld && now - slot.idleSince < keepaliveMs) continue;
      this.#idle.splice(this.#idle.indexOf(slot), 1);
      if (isSpare || isOld) this.#remove(slot, false);
      else this.#ping(slot);
    }
  }

  #ping(slot: Slot): void {
    slot.run(PING, undefined, () => {
      slot.idleSince = this.#clock.now();
      if (slot.connection.isBroken) this.#remove(slot, true);
      else if (this.#isClosed) this.#remove(slot, false);
      else this.#offer(slot);
    });
  }
}
