/**
 * One try of a transaction on one connection. States: open, then committing, then over. Statements
 * after its end are refused: a promise that was not waited for must not write into the next one.
 */
import { AbortedError, CommitUnknownError } from "../errors.ts";
import type { SqlTransaction } from "./database.ts";
import type { SqlRow, SqlTraits, SqlValue } from "./dialect.ts";
import { databaseError, type Origin } from "./faults.ts";
import type { Slot } from "./slot.ts";
import { plain, type Statement, type Statements } from "./statement.ts";

/** What a transaction needs of its database. */
export interface TransactionSurroundings extends Origin {
  readonly traits: SqlTraits;
  readonly slot: Slot;
  readonly statements: Statements;
  readonly attempt: number;
  readonly signal: AbortSignal | undefined;
  /** Told of each statement. */
  readonly count: () => void;
}

const COMMIT = plain("commit");
const ROLLBACK = plain("rollback");

/** See the head of this file. */
export class Transaction implements SqlTransaction {
  readonly traits: SqlTraits;
  readonly attempt: number;
  readonly #at: TransactionSurroundings;
  #isOver = false;
  #hooks: (() => void)[] = [];
  /**
   * The first statement or part that failed. The whole is not committed without it, even if the
   * failure was caught: PostgreSQL would answer COMMIT with a rollback, and no error.
   */
  #failedPart: { readonly error: unknown } | undefined;

  constructor(surroundings: TransactionSurroundings) {
    this.#at = surroundings;
    this.traits = surroundings.traits;
    this.attempt = surroundings.attempt;
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

  async transact<T>(work: (tx: SqlTransaction) => Promise<T>): Promise<T> {
    try {
      return await work(this);
    } catch (error) {
      this.#failedPart ??= { error };
      throw error;
    }
  }

  afterCommit(fn: () => void): void {
    this.#hooks.push(fn);
  }

  async begin(texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.#control(plain(text));
  }

  /** Commits. A connection lost meanwhile leaves open whether it did. */
  async commit(): Promise<void> {
    if (this.#failedPart !== undefined) throw this.#failedPart.error;
    this.#isOver = true;
    try {
      await this.#control(COMMIT);
    } catch (error) {
      if (this.traits.isServersWord(error)) throw error;
      throw new CommitUnknownError(
        `${this.#at.subject}: the connection was lost during COMMIT, which may have been done`,
        { cause: error },
      );
    }
  }

  /** Rolls back, as well as can be: without a connection the server does it by itself. */
  async rollback(): Promise<void> {
    this.#isOver = true;
    const { connection } = this.#at.slot;
    if (connection.isBroken) return;
    await this.#control(ROLLBACK).catch((error: unknown) => connection.destroy(error));
  }

  /** What was to be done after the commit. */
  get hooks(): readonly (() => void)[] {
    return this.#hooks;
  }

  #run<T>(text: string, params: readonly SqlValue[] | undefined, pick: Pick<T>): Promise<T> {
    const { slot, statements, signal, count } = this.#at;
    return new Promise((resolve, reject) => {
      if (this.#isOver) throw new Error("a statement was run after its transaction had ended");
      if (signal?.aborted === true) throw abortedBy(signal);
      const statement = params === undefined ? plain(text) : statements.of(text, pick === firstOf);
      const miscount = miscountOf(statement, params);
      if (miscount !== undefined) throw miscount;
      count();
      slot.run(statement, params, (error, rows, changes) => {
        if (error === undefined) resolve(pick(rows, changes));
        else {
          const failure = databaseError(this.#at, error);
          this.#failedPart ??= { error: failure };
          reject(failure);
        }
      });
    });
  }

  #control(statement: Statement): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#at.slot.run(statement, undefined, (error) => {
        if (error === undefined) resolve();
        else reject(databaseError(this.#at, error));
      });
    });
  }
}

/** What is wanted of an answer. */
export type Pick<T> = (rows: readonly SqlRow[], changes: number) => T;
/** The rows of an answer. */
export const rowsOf = (rows: readonly SqlRow[]) => rows;
/** The first row of an answer. */
export const firstOf = (rows: readonly SqlRow[]) => rows[0];
/** The number of changed rows of an answer. */
export const changesOf = (_rows: readonly SqlRow[], changes: number) => changes;

/** A wrong number of values would be taken for NULLs by some drivers. */
export function miscountOf(
  statement: Statement,
  params: readonly SqlValue[] | undefined,
): Error | undefined {
  if (params === undefined || statement.placeholders === params.length) return undefined;
  return new Error(
    `a statement with ${statement.placeholders} placeholders was given ${params.length} values`,
  );
}

/** The error of a signal that fired. */
export function abortedBy(signal: AbortSignal): AbortedError {
  return new AbortedError("the caller's signal fired", { cause: signal.reason });
}
