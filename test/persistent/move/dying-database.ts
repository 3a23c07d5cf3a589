/** A database as a process has it that is killed: after so many statements nothing is sent any more. */

import type { SqlDatabase, SqlSession, SqlTransaction } from "../../../src/sql/database.ts";
import type { SqlValue } from "../../../src/sql/dialect.ts";
import { Killed } from "./dying-adapter.ts";

/** Statements that are left to one process. A transaction that is open then is undone. */
export class Statements {
  left: number;
  readonly #onSend: (text: string, params: readonly SqlValue[]) => void;

  /** `onSend` is told of each statement, before it is sent. */
  constructor(
    left = Number.POSITIVE_INFINITY,
    onSend: (text: string, params: readonly SqlValue[]) => void = () => {},
  ) {
    this.left = left;
    this.#onSend = onSend;
  }

  /** The database as this process has it. */
  of(database: SqlDatabase): SqlDatabase {
    return {
      ...this.#session(database),
      dialect: database.dialect,
      subject: database.subject,
      server: database.server,
      send: (question, params, receiver) => {
        if (this.#isAlive(question.text, params)) database.send(question, params, receiver);
        else receiver.reject(new Killed("killed"));
      },
      hold: () => database.hold(),
      ping: () => database.ping(),
      stats: () => database.stats(),
      close: () => database.close(),
    };
  }

  #session(session: SqlSession): SqlSession {
    return {
      traits: session.traits,
      query: (text, params) => this.#mortal(text, params, () => session.query(text, params)),
      first: (text, params) => this.#mortal(text, params, () => session.first(text, params)),
      execute: (text, params) => this.#mortal(text, params, () => session.execute(text, params)),
      transact: (work, options) =>
        session.transact((tx) => {
          const mortal: SqlTransaction = {
            ...this.#session(tx),
            attempt: tx.attempt,
            afterCommit: (fn) => tx.afterCommit(fn),
          };
          return work(mortal);
        }, options),
    };
  }

  async #mortal<T>(
    text: string,
    params: readonly SqlValue[] | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (!this.#isAlive(text, params ?? [])) throw new Killed("killed");
    return work();
  }

  #isAlive(text: string, params: readonly SqlValue[]): boolean {
    if (--this.left < 0) return false;
    this.#onSend(text, params);
    return true;
  }
}
