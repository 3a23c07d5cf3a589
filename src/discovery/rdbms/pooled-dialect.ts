/** Kysely on our own pool: it writes the statements, the pool runs them. */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { SqlDialect, SqlValue } from "../../sql/dialect.ts";
import type { Pool } from "../../sql/pool.ts";
import type { Slot } from "../../sql/slot.ts";
import { plain } from "../../sql/statement.ts";

/** Kysely's own lock for migrations belongs to the session; migrate.ts has a better one. */
class UnlockedAdapter extends PostgresAdapter {
  override async acquireMigrationLock(): Promise<void> {}
  override async releaseMigrationLock(): Promise<void> {}
}

const PARTS = {
  postgres: [UnlockedAdapter, PostgresQueryCompiler, PostgresIntrospector],
  cockroach: [UnlockedAdapter, PostgresQueryCompiler, PostgresIntrospector],
  mysql: [MysqlAdapter, MysqlQueryCompiler, MysqlIntrospector],
  sqlite: [SqliteAdapter, SqliteQueryCompiler, SqliteIntrospector],
} as const;

/** See the head of this file. */
export class PooledDialect implements Dialect {
  readonly #pool: Pool;
  readonly #dialect: SqlDialect;

  constructor(pool: Pool, dialect: SqlDialect) {
    this.#pool = pool;
    this.#dialect = dialect;
  }

  createDriver(): Driver {
    return new PooledConnections(this.#pool);
  }

  createQueryCompiler(): QueryCompiler {
    const [, Compiler] = PARTS[this.#dialect];
    return new Compiler();
  }

  createAdapter(): DialectAdapter {
    const [Adapter] = PARTS[this.#dialect];
    return new Adapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    const [, , Introspector] = PARTS[this.#dialect];
    return new Introspector(db);
  }
}

class PooledConnections implements Driver {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async init(): Promise<void> {}

  acquireConnection(): Promise<LentConnection> {
    return new Promise((resolve, reject) => {
      this.#pool.acquire((error, slot) => {
        if (slot === undefined) reject(error);
        else resolve(new LentConnection(slot));
      });
    });
  }

  async releaseConnection(connection: LentConnection): Promise<void> {
    this.#pool.release(connection.slot);
  }

  async beginTransaction(): Promise<void> {
    throw new Error("transactions are begun by transact.ts");
  }

  async commitTransaction(): Promise<void> {}

  async rollbackTransaction(): Promise<void> {}

  destroy(): Promise<void> {
    return this.#pool.close();
  }
}

class LentConnection implements DatabaseConnection {
  readonly slot: Slot;

  constructor(slot: Slot) {
    this.slot = slot;
  }

  executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const statement = { ...plain(sql), placeholders: parameters.length };
    const params = parameters.length === 0 ? undefined : (parameters as readonly SqlValue[]);
    return new Promise((resolve, reject) => {
      this.slot.run(statement, params, (error, rows, changes) => {
        if (error === undefined) resolve({ rows: rows as R[], numAffectedRows: BigInt(changes) });
        else {
          // What could not be rolled back must not be lent out again.
          if (sql === "rollback") this.slot.connection.destroy(error);
          reject(error);
        }
      });
    });
  }

  // biome-ignore lint/correctness/useYield: Kysely's type asks for streams, discovery reads none.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error("discovery reads no streams");
  }
}
