/**
 * Stores in an SQL database: SQLite, PostgreSQL, MySQL, MariaDB. All stores share three tables
 * and one pool of connections; a store is a number in the first of them.
 */
import {
  ConflictError,
  InvalidOptionsError,
  NotRunningError,
  UnsupportedError,
} from "../../../errors.ts";
import type { Clock } from "../../../runtime.ts";
import type { SqlDatabase } from "../../../sql/database.ts";
import { bigintOf, textOf } from "../../../sql/row-values.ts";
import { type Capabilities, EVERYTHING } from "../../contract/capabilities.ts";
import {
  type ArchiveDriver,
  type Budget,
  PLACE_KINDS,
  type Place,
  type PlaceKind,
  type RowsDriver,
  type StoreAdapter,
} from "../../contract/driver.ts";
import { Deadlines, limitsOf } from "../../deadlines/deadlines.ts";
import {
  STORE_PREFIX,
  type StoreTableNames,
  storeTableNames,
  TABLE_PREFIX,
} from "../../migrations/store-migrations.ts";
import { ArchiveStatements, SqlArchive } from "./sql-archive.ts";
import { SqlLeases } from "./sql-leases.ts";
import { RowStatements, SqlRows } from "./sql-rows.ts";

export interface SqlAdapterOptions {
  /** Opens the database, or lends one that is open. Its tables are there. */
  readonly open: () => Promise<SqlDatabase>;
  /** Lets go of it. Default: closes it. */
  readonly release?: (database: SqlDatabase) => Promise<void>;
  readonly clock: Clock;
  /** What the names of the tables begin with. Default "skein_". */
  readonly tablePrefix?: string;
}

/** All that is there once the database is open. */
interface Opened {
  readonly database: SqlDatabase;
  readonly deadlines: Deadlines;
  readonly maps: RowStatements;
  readonly keyvals: RowStatements;
  readonly archives: ArchiveStatements;
  readonly leases: SqlLeases;
}

/** The adapter "sql". */
export class SqlAdapter implements StoreAdapter {
  readonly name = "sql";
  readonly capabilities: Capabilities = {
    ...EVERYTHING,
    isPersistent: true,
    isShared: true,
  };
  readonly #options: SqlAdapterOptions;
  readonly #tables: StoreTableNames;
  readonly #storeIds = new Map<string, bigint>();
  #opened: Opened | undefined;

  /** @throws InvalidOptionsError for a prefix that cannot be a part of a name */
  constructor(options: SqlAdapterOptions) {
    const prefix = options.tablePrefix ?? STORE_PREFIX;
    if (!TABLE_PREFIX.test(prefix)) {
      throw new InvalidOptionsError("sql", [
        `tablePrefix is ${JSON.stringify(prefix.slice(0, 50))}, allowed are up to 40 of a-z, 0-9 ` +
          'and "_", no digit first',
      ]);
    }
    this.#options = options;
    this.#tables = storeTableNames(prefix);
  }

  /**
   * The database below, for the typed stores that have tables of their own.
   * @throws NotRunningError if it is not open
   */
  get database(): SqlDatabase {
    return this.#need().database;
  }

  /** What the names of the tables begin with. */
  get tablePrefix(): string {
    return this.#options.tablePrefix ?? STORE_PREFIX;
  }

  async open(): Promise<void> {
    const database = await this.#options.open();
    const { traits } = database;
    const deadlines = new Deadlines(this.#options.clock, database.subject);
    this.#opened = {
      database,
      deadlines,
      leases: new SqlLeases(database, deadlines, this.#tables.lease),
      maps: new RowStatements(traits, this.#tables.item, true),
      keyvals: new RowStatements(traits, this.#tables.item, false),
      archives: new ArchiveStatements(traits, this.#tables.archive),
    };
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    await (this.#options.release ?? ((database) => database.close()))(opened.database);
  }

  /** @throws NotRunningError if it is not open */
  get leases(): SqlLeases {
    return this.#need().leases;
  }

  async ping(budget: Budget): Promise<void> {
    const { database, deadlines } = this.#need();
    await deadlines.within(budget, "read", () => database.ping());
  }

  async openRows(place: Place, budget: Budget): Promise<RowsDriver> {
    const { database, deadlines, maps, keyvals } = this.#need();
    const isMap = place.kind === "map";
    const storeId = await this.#storeId(place, budget);
    return new SqlRows({ database, deadlines, storeId, isMap, statements: isMap ? maps : keyvals });
  }

  async openArchive(place: Place, budget: Budget): Promise<ArchiveDriver> {
    const { database, deadlines, archives } = this.#need();
    const storeId = await this.#storeId(place, budget);
    return new SqlArchive({ database, deadlines, storeId, statements: archives });
  }

  async places(host: string | undefined, budget: Budget): Promise<readonly Place[]> {
    const { database, deadlines } = this.#need();
    const where = host === undefined ? "" : " where host = ?";
    const text = `select host, store, kind from ${this.#tables.store}${where} order by host, store`;
    return deadlines.within(budget, "read", async () => {
      const rows = await database.query(text, host === undefined ? [] : [host]);
      return rows.map((row) => ({
        host: textOf(row.host),
        store: textOf(row.store),
        kind: kindOf(textOf(row.kind)),
      }));
    });
  }

  async purge(host: string, user: string, budget: Budget): Promise<void> {
    const { database, deadlines } = this.#need();
    const { store, item, archive } = this.#tables;
    await deadlines.within(budget, "write", () =>
      database.transact(async (tx) => {
        const rows = await tx.query(`select id from ${store} where host = ? order by id`, [host]);
        for (const { id } of rows) {
          for (const table of [item, archive]) {
            const text = `delete from ${table} where store_id = ? and user_name = ?`;
            await tx.execute(text, [bigintOf(id), user]);
          }
        }
      }, limitsOf(budget)),
    );
  }

  #need(): Opened {
    if (this.#opened === undefined) {
      throw new NotRunningError("the SQL stores are not open: closed, or not opened yet");
    }
    return this.#opened;
  }

  /** The number of a place; made when it is opened for the first time anywhere. */
  async #storeId(place: Place, budget: Budget): Promise<bigint> {
    const name = JSON.stringify([place.host, place.store, place.kind]);
    const known = this.#storeIds.get(name);
    if (known !== undefined) return known;
    const { deadlines, database } = this.#need();
    const id = await deadlines.within(budget, "write", async () => {
      const found = await this.#findStore(database, place);
      if (found !== undefined) return found;
      const text = `insert into ${this.#tables.store} (host, store, kind) values (?, ?, ?)`;
      try {
        await database.execute(text, [place.host, place.store, place.kind]);
      } catch (error) {
        // Another process was first.
        if (!database.traits.isDuplicate(error)) throw error;
      }
      return this.#findStore(database, place);
    });
    if (id === undefined) {
      throw new ConflictError(`store "${place.store}" of ${place.host} vanished while it was made`);
    }
    this.#storeIds.set(name, id);
    return id;
  }

  async #findStore(database: SqlDatabase, place: Place): Promise<bigint | undefined> {
    const text = `select id, kind from ${this.#tables.store} where host = ? and store = ?`;
    const [row] = await database.query(text, [place.host, place.store]);
    if (row === undefined) return undefined;
    const kind = textOf(row.kind);
    if (kind === place.kind) return bigintOf(row.id);
    throw new ConflictError(
      `store "${place.store}" of ${place.host} is of the kind ${kind}; it cannot be opened as ` +
        place.kind,
    );
  }
}

function kindOf(text: string): PlaceKind {
  const kind = PLACE_KINDS.find((known) => known === text);
  if (kind === undefined) throw new UnsupportedError(`a store has the unknown kind "${text}"`);
  return kind;
}
