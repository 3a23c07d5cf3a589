/** A driver whose connections keep the texts of all that is asked of them. */
import type { Done, ServerFacts, SqlConnection, SqlDriver } from "../../src/sql/connection.ts";
import type { SqlDialect, SqlTraits, SqlValue } from "../../src/sql/dialect.ts";
import type { Statement } from "../../src/sql/statement.ts";

/** See the head of this file. */
export class RecordingDriver implements SqlDriver {
  readonly texts: Set<string>;
  readonly dialect: SqlDialect;
  readonly traits: SqlTraits;
  readonly subject: string;
  readonly #inner: SqlDriver;

  /** `as` goes in place of the driver's own dialect and traits. */
  constructor(
    inner: SqlDriver,
    texts: Set<string>,
    as: { readonly dialect: SqlDialect; readonly traits: SqlTraits } = inner,
  ) {
    this.#inner = inner;
    this.texts = texts;
    this.dialect = as.dialect;
    this.traits = as.traits;
    this.subject = inner.subject;
  }

  get server(): ServerFacts {
    return this.#inner.server;
  }

  async connect(): Promise<SqlConnection> {
    const connection = await this.#inner.connect("write");
    const run = connection.run.bind(connection);
    const { texts } = this;
    connection.run = (
      statement: Statement,
      params: readonly SqlValue[] | undefined,
      done: Done,
    ) => {
      texts.add(statement.text);
      run(statement, params, done);
    };
    return connection;
  }
}
