/**
 * A database's sessions on a pool: a statement takes a connection, runs and gives it back;
 * a transaction keeps one. SQLite has one connection that writes and some that read, as one
 * writer alone may be at work in a file.
 *
 * The path of a statement: its text is looked up, a connection is taken without a promise if one
 * idles, the driver's callback settles the one promise that the caller holds.
 */
import { CommitUnknownError, RetryableError, type SkeinError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import type { ServerFacts, SqlDriver } from "./connection.ts";
import type {
  HeldConnection,
  Question,
  Receiver,
  SqlDatabase,
  SqlStats,
  SqlTransaction,
  TransactOptions,
} from "./database.ts";
import type { SqlDialect, SqlRow, SqlTraits, SqlValue } from "./dialect.ts";
import { databaseError } from "./faults.ts";
import { LostRaceError } from "./lost-race.ts";
import { Pool, type PoolStats } from "./pool.ts";
import type { PoolOptions } from "./pool-options.ts";
import type { Slot } from "./slot.ts";
import { plain, type Statement, Statements } from "./statement.ts";
import {
  abortedBy,
  changesOf,
  firstOf,
  miscountOf,
  type Pick,
  rowsOf,
  Transaction,
} from "./transaction.ts";

/** What a database is made of. */
export interface DatabaseParts {
  readonly driver: SqlDriver;
  readonly pool: Required<PoolOptions>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const RETRIES = 20;
const DEADLINE_MS = 10_000;
const PAUSE_BASE_MS = 2;
const PAUSE_MAX_MS = 250;
/** A connection that broke is replaced so often within one call. */
const LOSSES_MAX = 2;
const SQLITE_READERS_MAX = 4;
const PING = plain("select 1");

/** See the head of this file. */
export class PooledDatabase implements SqlDatabase {
  readonly dialect: SqlDialect;
  readonly subject: string;
  readonly traits: SqlTraits;
  readonly #parts: DatabaseParts;
  readonly #statements: Statements;
  readonly #writers: Pool;
  readonly #readers: Pool;
  #counts = { statements: 0, commits: 0, retries: 0, rollbacks: 0 };

  constructor(parts: DatabaseParts) {
    const { driver, pool } = parts;
    this.#parts = parts;
    this.dialect = driver.dialect;
    this.subject = driver.subject;
    this.traits = driver.traits;
    this.#statements = new Statements({ numbered: driver.traits.numberedPlaceholders });
    const options = driver.traits.writesInTransactions ? { ...pool, max: 1, min: 1 } : pool;
    this.#writers = new Pool({ ...parts, options, purpose: "write" });
    this.#readers = driver.traits.writesInTransactions
      ? new Pool({
          ...parts,
          options: { ...pool, max: Math.min(pool.max, SQLITE_READERS_MAX), min: 0 },
          purpose: "read",
        })
      : this.#writers;
  }

  get server(): ServerFacts {
    return this.#parts.driver.server;
  }

  /** Connects once, so that a wrong address or password is told now. */
  async open(): Promise<void> {
    await this.#again({}, () => this.#writers.open());
    if (this.#readers !== this.#writers) await this.#again({}, () => this.#readers.open());
  }

  query(text: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#run(text, params, rowsOf);
  }

  first(text: string, params: readonly SqlValue[]): Promise<SqlRow | undefined> {
    return this.#run(text, params, firstOf);
  }

  execute(text: string, params?: readonly SqlValue[]): Promise<number> {
    return this.#run(text, params, changesOf);
  }

  async transact<T>(
    work: (tx: SqlTransaction) => Promise<T>,
    options: TransactOptions = {},
  ): Promise<T> {
    let hooks: readonly (() => void)[] = [];
    let attempt = 0;
    const pool = options.readOnly === true ? this.#readers : this.#writers;
    const result = await this.#again(options, async () => {
      const slot = await acquired(pool);
      try {
        const transaction = this.#transaction(slot, attempt++, options);
        const outcome = await this.#try(transaction, work, { options, slot });
        hooks = transaction.hooks;
        return outcome;
      } finally {
        pool.release(slot);
      }
    });
    this.#counts.commits++;
    for (const hook of hooks) hook();
    return result;
  }

  async hold(): Promise<HeldConnection> {
    const slot = await acquired(this.#writers);
    const { driver } = this.#parts;
    return {
      query: (text) =>
        new Promise((resolve, reject) => {
          slot.run(plain(text), undefined, (error, rows) => {
            if (error === undefined) resolve(rows);
            else reject(databaseError(driver, error));
          });
        }),
      end: async () => {
        await slot.connection.close();
        this.#writers.release(slot);
      },
    };
  }

  async ping(): Promise<void> {
    await this.#sent(PING, undefined, rowsOf);
  }

  stats(): SqlStats {
    const stats = this.#writers.stats();
    if (this.#readers === this.#writers) return { ...stats, ...this.#counts };
    return { ...summed(stats, this.#readers.stats()), ...this.#counts };
  }

  async close(): Promise<void> {
    await Promise.all([this.#writers.close(), this.#readers.close()]);
  }

  send<T>(question: Question<T>, params: readonly SqlValue[], receiver: Receiver<T>): void {
    const statement = this.#statements.of(question.text, question.isFirst);
    this.#send(statement, params, question.pick, receiver);
  }

  #run<T>(text: string, params: readonly SqlValue[] | undefined, pick: Pick<T>): Promise<T> {
    const isFirst = pick === firstOf;
    const statement = params === undefined ? plain(text) : this.#statements.of(text, isFirst);
    return new Promise((resolve, reject) => {
      this.#send(statement, params, pick, { resolve, reject });
    });
  }

  /**
   * A statement of its own that lost a race was undone whole, by the server's word: it is tried
   * again. SQLite's single writer meets those of other processes; on servers it may be the one
   * that was chosen to end a deadlock.
   */
  #send<T>(
    statement: Statement,
    params: readonly SqlValue[] | undefined,
    pick: Pick<T>,
    receiver: Receiver<T>,
  ): void {
    this.#sendOnce(statement, params, pick, receiver, (error) => {
      if (!this.traits.isTransient(error)) return receiver.reject(error);
      this.#counts.retries++;
      this.#again({}, () => this.#sent(statement, params, pick)).then(
        (value) => receiver.resolve(value),
        (failure: unknown) => receiver.reject(failure),
      );
    });
  }

  #sent<T>(
    statement: Statement,
    params: readonly SqlValue[] | undefined,
    pick: Pick<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#sendOnce(statement, params, pick, { resolve, reject }, reject);
    });
  }

  #sendOnce<T>(
    statement: Statement,
    params: readonly SqlValue[] | undefined,
    pick: Pick<T>,
    receiver: Receiver<T>,
    failed: (error: SkeinError) => void,
    losses = 0,
  ): void {
    const miscount = miscountOf(statement, params);
    if (miscount !== undefined) return receiver.reject(miscount);
    const pool = statement.isRead ? this.#readers : this.#writers;
    pool.acquire((refused, slot) => {
      if (slot === undefined) {
        receiver.reject(refused);
        return;
      }
      this.#counts.statements++;
      slot.run(statement, params, (error, rows, changes) => {
        if (error === undefined) {
          pool.release(slot);
          settle(receiver, pick, rows, changes);
          return;
        }
        // A reader on a connection that had died while it idled has lost nothing.
        const repeats = statement.isRead && losses < LOSSES_MAX && isLost(slot);
        const isBroken = slot.connection.isBroken;
        pool.release(slot);
        if (repeats) this.#sendOnce(statement, params, pick, receiver, failed, losses + 1);
        else failed(this.#statementError(statement, error, isBroken));
      });
    });
  }

  /** A write of its own is its own commit: a lost connection leaves open whether it was done. */
  #statementError(statement: Statement, error: unknown, isBroken: boolean): SkeinError {
    if (statement.isRead || !isBroken || this.traits.isServersWord(error)) {
      return databaseError(this.#parts.driver, error);
    }
    return new CommitUnknownError(
      `${this.subject}: the connection was lost during a write, which may have been done`,
      { cause: error },
    );
  }

  #transaction(slot: Slot, attempt: number, options: TransactOptions): Transaction {
    return new Transaction({
      subject: this.subject,
      traits: this.traits,
      slot,
      statements: this.#statements,
      attempt,
      signal: options.signal,
      count: () => {
        this.#counts.statements++;
      },
    });
  }

  async #try<T>(
    transaction: Transaction,
    work: (tx: SqlTransaction) => Promise<T>,
    at: { readonly options: TransactOptions; readonly slot: Slot },
  ): Promise<T> {
    const { isolation, readOnly = false } = at.options;
    const { statementMs, idleInTransactionMs } = this.#parts.pool;
    const isBehindPooler = this.server.pooler === "transaction";
    const limits = { isBehindPooler, statementMs, idleInTransactionMs };
    try {
      await transaction.begin(this.traits.begin({ isolation, readOnly, ...limits }));
      const result = await work(transaction);
      await transaction.commit();
      return result;
    } catch (error) {
      this.#counts.rollbacks++;
      if (error instanceof CommitUnknownError) throw error;
      if (isLost(at.slot)) throw new LostConnectionError("", { cause: error });
      await transaction.rollback();
      throw error;
    }
  }

  /** Repeats what lost a race, and what lost its connection before it could commit. */
  async #again<T>(options: TransactOptions, work: () => Promise<T>): Promise<T> {
    const { retries = RETRIES, deadlineMs = DEADLINE_MS, signal } = options;
    const { clock, random, driver } = this.#parts;
    const until = clock.now() + deadlineMs;
    let losses = 0;
    for (let attempt = 0; ; attempt++) {
      if (signal?.aborted === true) throw abortedBy(signal);
      let failure: unknown;
      try {
        return await work();
      } catch (error) {
        const isLoss = error instanceof LostConnectionError;
        failure = isLoss ? error.cause : error;
        const isRace = error instanceof LostRaceError || this.traits.isTransient(error);
        if (!isRace && !(isLoss && ++losses <= LOSSES_MAX)) throw failure;
      }
      const ms = random.float() * Math.min(PAUSE_MAX_MS, PAUSE_BASE_MS * 2 ** attempt);
      if (attempt >= retries || clock.now() + ms >= until) {
        const times = attempt === 0 ? "once" : `${attempt + 1} times`;
        const text = `lost its races, tried ${times}; nothing was changed`;
        throw new RetryableError(`${driver.subject}: ${text}`, { cause: failure });
      }
      this.#counts.retries++;
      await new Promise<void>((resolve) => clock.after(ms, resolve));
    }
  }
}

/** The connection broke before the transaction could be committed: nothing was changed. */
class LostConnectionError extends Error {}

/** Broken, and not for a statement that took too long: that would take too long again. */
function isLost(slot: Slot): boolean {
  return slot.connection.isBroken && !slot.isTimedOut;
}

/** Who picks may find what it does not expect. */
function settle<T>(
  receiver: Receiver<T>,
  pick: Pick<T>,
  rows: readonly SqlRow[],
  changes: number,
): void {
  let picked: T;
  try {
    picked = pick(rows, changes);
  } catch (error) {
    receiver.reject(error);
    return;
  }
  receiver.resolve(picked);
}

function acquired(pool: Pool): Promise<Slot> {
  return new Promise((resolve, reject) => {
    pool.acquire((error, slot) => {
      if (slot === undefined) reject(error);
      else resolve(slot);
    });
  });
}

/** Two pools of one file, seen as one. */
function summed(one: PoolStats, other: PoolStats): PoolStats {
  return {
    max: one.max + other.max,
    open: one.open + other.open,
    idle: one.idle + other.idle,
    connecting: one.connecting + other.connecting,
    waiting: one.waiting + other.waiting,
    connects: one.connects + other.connects,
    connectFailures: one.connectFailures + other.connectFailures,
    lost: one.lost + other.lost,
    refused: one.refused + other.refused,
    timedOut: one.timedOut + other.timedOut,
    statementsTimedOut: one.statementsTimedOut + other.statementsTimedOut,
  };
}
