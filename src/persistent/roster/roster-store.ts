/**
 * Rosters (RFC 6121) with versions that tell what has changed: each change of an item has its own
 * version, and deletions are kept for a while, so that a client gets what it has missed. One that
 * has been away for too long gets the whole.
 *
 * Versions of a roster begin at the database's µs of its first change and grow by one, and a removal
 * ends later than the last of them: a roster that is made again has none of the old one's versions.
 */
import {
  ConflictError,
  InvalidArgumentError,
  InvalidOptionsError,
  RetryableError,
} from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import { conflictTail } from "../../sql/batch.ts";
import type { SqlDatabase, SqlTransaction } from "../../sql/database.ts";
import type { SqlRow } from "../../sql/dialect.ts";
import { bigintOf, textOf } from "../../sql/row-values.ts";
import { checkHost, checkKey } from "../contract/inputs.ts";
import { type Tenure, UNMOVED } from "../contract/tenure.ts";
import {
  checkContact,
  ITEM_COLUMNS,
  itemOf,
  REMOVED,
  type RosterItem,
  type RosterItemInput,
  type RosterOwner,
} from "./roster-item.ts";
import {
  jidOf,
  LockedRoster,
  nowUs,
  type RosterRow,
  RosterStatements,
  type RosterTransaction,
} from "./roster-transaction.ts";
import { rosterTables } from "./tables.ts";

export interface RosterStoreOptions {
  /** Has been migrated. Closed by whoever opened it. */
  readonly database: SqlDatabase;
  readonly clock: Clock;
  /** Begins the names of the tables, as in the migrations. Default "skein_". */
  readonly tablePrefix?: string;
  /** The most items of one roster. Default 10,000. */
  readonly itemsMax?: number;
  /** Deletions of one roster that are kept to be told. Default 200. */
  readonly removalsMax?: number;
  /** Whether the rows of a server are here. Default: nobody moves them. */
  readonly tenure?: Tenure;
}

/** A whole roster. */
export interface Roster {
  /** "0" if there is none. */
  readonly version: string;
  /** In the byte order of addresses. */
  readonly items: readonly RosterItem[];
}

/** One change: an item as it is now, or an address whose item is gone. */
export type RosterChange =
  | { readonly kind: "set"; readonly version: string; readonly item: RosterItem }
  | { readonly kind: "delete"; readonly version: string; readonly jid: string };

/** What a client has missed since its version. */
export type RosterNews =
  | { readonly kind: "nothing"; readonly version: string }
  | {
      readonly kind: "changes";
      readonly version: string;
      /** In the order of their versions; each item comes once, as it is now. */
      readonly changes: readonly RosterChange[];
    }
  | { readonly kind: "whole"; readonly version: string; readonly items: readonly RosterItem[] };

const ITEMS_MAX = 10_000;
const REMOVALS_MAX = 200;
const OWNERS_PAGE = 500;
const ATTEMPTS_MAX = 5;
/** Of 1 ms: a clock that counts milliseconds needs two. */
const OUTLAST_PAUSES_MAX = 100;
const VERSION = /^(?:0|[1-9]\d{0,18})$/;

/** See the head of this file. */
export class RosterStore {
  readonly #options: RosterStoreOptions;
  readonly #database: SqlDatabase;
  readonly #tenure: Tenure;
  readonly #texts: RosterStatements;
  readonly #limits: { readonly itemsMax: number; readonly removalsMax: number };
  readonly #make: string;
  readonly #read: string;

  /** @throws InvalidOptionsError */
  constructor(options: RosterStoreOptions) {
    const { database, itemsMax = ITEMS_MAX, removalsMax = REMOVALS_MAX } = options;
    checkOptions({ itemsMax, removalsMax, tablePrefix: options.tablePrefix ?? "" });
    this.#options = options;
    this.#tenure = options.tenure ?? UNMOVED;
    this.#database = database;
    this.#limits = { itemsMax, removalsMax };
    const tables = rosterTables(options.tablePrefix);
    this.#texts = new RosterStatements(database.traits, tables);
    this.#make =
      `insert into ${tables.owner} (server, name, version, floor_version) values (?, ?, 0, 0)` +
      conflictTail(database.traits, {
        table: tables.owner,
        columns: [],
        onConflict: { key: ["server", "name"], update: "ignore" },
      });
    const columns = ITEM_COLUMNS.map((column) => `i.${column}`).join(", ");
    this.#read =
      `select r.version as current, r.floor_version, i.jid, ${columns} from ${tables.owner} r ` +
      `left join ${tables.item} i on i.roster_id = r.id`;
  }

  /** The whole roster. */
  async get(owner: RosterOwner): Promise<Roster> {
    await this.#enter(owner);
    const rows = await this.#database.query(
      `${this.#read} and i.subscription <> '${REMOVED}' ` +
        "where r.server = ? and r.name = ? order by i.jid",
      [owner.server, owner.name],
    );
    const [first] = rows;
    if (first === undefined) return { version: "0", items: [] };
    const items = rows.filter(({ jid }) => jid !== null).map(itemOf);
    return {
      version: String(bigintOf(first.current)),
      items: items.filter((item) => item !== undefined),
    };
  }

  /**
   * What has changed since a version that `get` or this gave. For a version that this roster never
   * had, or has forgotten, the whole.
   */
  async getSince(owner: RosterOwner, version: string): Promise<RosterNews> {
    await this.#enter(owner);
    if (typeof version !== "string") {
      throw new InvalidArgumentError(`version is a ${typeof version}; allowed is a string`);
    }
    const since = VERSION.test(version) ? BigInt(version) : undefined;
    if (since !== undefined && since < 2n ** 63n) {
      // One statement: what is forgotten meanwhile is not missed.
      const rows = await this.#database.query(
        `${this.#read} and i.version > ? where r.server = ? and r.name = ? order by i.version`,
        [since, owner.server, owner.name],
      );
      const news = newsOf(rows, since);
      if (news !== undefined) return news;
    }
    return { kind: "whole", ...(await this.get(owner)) };
  }

  /** One item; undefined if there is none. */
  async entry(owner: RosterOwner, jid: string): Promise<RosterItem | undefined> {
    await this.#enter(owner);
    checkContact(jid);
    const [row] = await this.#database.query(
      `${this.#read} and i.jid = ? where r.server = ? and r.name = ?`,
      [jid, owner.server, owner.name],
    );
    return row === undefined || row.jid === null ? undefined : itemOf(row);
  }

  /**
   * Several changes of one roster in one commit: all or none. `work` may run again, if it lost a
   * race with others; it must not change anything else.
   */
  async transact<T>(
    owner: RosterOwner,
    work: (roster: RosterTransaction) => Promise<T>,
  ): Promise<{ readonly result: T; readonly version: string }> {
    await this.#enter(owner);
    return this.#database.transact(async (tx) => {
      this.#tenure.assertHeld(owner.server);
      const row = await this.#lock(tx, owner);
      const roster = new LockedRoster(tx, row, { texts: this.#texts, limits: this.#limits });
      const result = await work(roster);
      return { result, version: String(await roster.finish()) };
    });
  }

  /** Replaces an item, or adds it. Gives it with its version. */
  async set(owner: RosterOwner, jid: string, item: RosterItemInput): Promise<RosterItem> {
    return (await this.transact(owner, (roster) => roster.set(jid, item))).result;
  }

  /**
   * Changes an item: `change` is given what is there and says what is to be there; undefined
   * deletes. Nobody changes the roster in between. It may be called again after a lost race.
   */
  async update(
    owner: RosterOwner,
    jid: string,
    change: (current: RosterItem | undefined) => RosterItemInput | undefined,
  ): Promise<RosterItem | undefined> {
    const { result } = await this.transact(owner, async (roster) => {
      const next = change(await roster.entry(jid));
      if (next !== undefined) return roster.set(jid, next);
      await roster.delete(jid);
      return undefined;
    });
    return result;
  }

  /** Deletes an item; false if there is none. */
  async delete(owner: RosterOwner, jid: string): Promise<boolean> {
    return (await this.transact(owner, (roster) => roster.delete(jid))).result;
  }

  /**
   * Removes a roster, its version and what it remembers; false if there is none.
   * @throws RetryableError if the database's clock is behind the roster's versions
   */
  async removeUser(owner: RosterOwner): Promise<boolean> {
    await this.#enter(owner);
    const { owner: owners, item } = this.#texts.tables;
    return this.#database.transact(async (tx) => {
      this.#tenure.assertHeld(owner.server);
      const row = await this.#touch(tx, owner);
      if (row === undefined) return false;
      await tx.execute(`delete from ${item} where roster_id = ?`, [row.id]);
      await tx.execute(`delete from ${owners} where id = ?`, [row.id]);
      await this.#outlast(tx, row.version);
      return true;
    });
  }

  /** Until the database's clock is past a version, which most often it is. */
  async #outlast(tx: SqlTransaction, version: bigint): Promise<void> {
    let now = await nowUs(tx, this.#texts);
    for (let pauses = 0; now <= version; pauses++) {
      if (pauses === OUTLAST_PAUSES_MAX) {
        const behind = `the database's clock is ${version - now} µs behind the roster's version`;
        throw new RetryableError(`${behind}; it cannot be removed before that is over`);
      }
      await new Promise<void>((resolve) => this.#options.clock.after(1, resolve));
      now = await nowUs(tx, this.#texts);
    }
  }

  /** Removes all rosters of a domain, each in its own commit. Gives how many there were. */
  async removeDomain(server: string): Promise<number> {
    checkHost(server);
    await this.#tenure.hold(server);
    const text =
      `select name from ${this.#texts.tables.owner} where server = ? and name > ? ` +
      "order by name limit ?";
    let removed = 0;
    for (let after = ""; ; ) {
      const rows = await this.#database.query(text, [server, after, BigInt(OWNERS_PAGE)]);
      for (const row of rows) {
        after = textOf(row.name);
        if (await this.removeUser({ server, name: after })) removed++;
      }
      if (rows.length < OWNERS_PAGE) return removed;
    }
  }

  async #enter(owner: RosterOwner): Promise<void> {
    checkRosterOwner(owner);
    await this.#tenure.hold(owner.server);
  }

  /** Takes the turn in a roster, which is made if need be. */
  async #lock(tx: SqlTransaction, owner: RosterOwner): Promise<RosterRow> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const row = await this.#touch(tx, owner);
      if (row !== undefined) return row;
      await tx.execute(this.#make, [owner.server, owner.name]);
    }
    throw new ConflictError(`a roster was removed ${ATTEMPTS_MAX} times while it was made`);
  }

  /** An update that changes nothing still waits for others, and makes others wait. */
  async #touch(tx: SqlTransaction, owner: RosterOwner): Promise<RosterRow | undefined> {
    const table = this.#texts.tables.owner;
    const touch = `update ${table} set version = version where server = ? and name = ?`;
    const columns = "id, version, floor_version";
    const params = [owner.server, owner.name];
    if (tx.traits.updateReturning) {
      return rowOf((await tx.query(`${touch} returning ${columns}`, params))[0]);
    }
    if ((await tx.execute(touch, params)) === 0) return undefined;
    const read = `select ${columns} from ${table} where server = ? and name = ?`;
    return rowOf((await tx.query(read, params))[0]);
  }
}

function rowOf(row: SqlRow | undefined): RosterRow | undefined {
  if (row === undefined) return undefined;
  return {
    id: bigintOf(row.id),
    version: bigintOf(row.version),
    floor: bigintOf(row.floor_version),
  };
}

/** Undefined: the whole is needed. */
function newsOf(rows: readonly SqlRow[], since: bigint): RosterNews | undefined {
  const [first] = rows;
  if (first === undefined) return since === 0n ? { kind: "nothing", version: "0" } : undefined;
  const current = bigintOf(first.current);
  if (since === current) return { kind: "nothing", version: String(current) };
  const isKnown = since >= bigintOf(first.floor_version) && since < current;
  if (!isKnown || first.jid === null) return undefined;
  return {
    kind: "changes",
    version: String(current),
    changes: rows.map((row) => {
      const version = String(bigintOf(row.version));
      const item = itemOf(row);
      if (item === undefined) return { kind: "delete", version, jid: jidOf(row) };
      return { kind: "set", version, item };
    }),
  };
}

function checkRosterOwner(owner: RosterOwner): void {
  checkHost(owner.server);
  checkKey(owner.name);
}

function checkOptions(options: {
  readonly itemsMax: number;
  readonly removalsMax: number;
  readonly tablePrefix: string;
}): void {
  const faults: string[] = [];
  for (const name of ["itemsMax", "removalsMax"] as const) {
    const given = options[name];
    if (Number.isSafeInteger(given) && given >= 1) continue;
    faults.push(`${name} is ${given}, allowed are integers above 0`);
  }
  if (!/^[a-z0-9_]{0,40}$/.test(options.tablePrefix)) {
    faults.push('tablePrefix is of other signs than a-z, 0-9 and "_", or longer than 40');
  }
  if (faults.length > 0) throw new InvalidOptionsError("rosters", faults);
}
