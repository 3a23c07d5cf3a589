/**
 * Numbers of archives: one for each name, whoever asks first, from however many processes.
 *
 * Numbers are kept in memory for ten minutes. An archive that is removed keeps its row, marked
 * with the time, as another process may still write under its number; whoever looks the number up
 * takes the mark away. A row that has been marked for an hour is nobody's, and can go.
 */
import { LRUCache } from "lru-cache";
import { ConflictError, InvalidArgumentError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import { Batch } from "../../sql/batch.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import type { SqlRow } from "../../sql/dialect.ts";
import { inList } from "../../sql/in-list.ts";
import { bigintOf, textOf } from "../../sql/row-values.ts";
import { checkHost, checkKey } from "../contract/inputs.ts";
import type { ArchiveOwner } from "./messages.ts";

/** Names that are kept in memory. */
const NAMES_MAX = 50_000;
const KEEP_MS = 600_000;
/** A mark of this age, µs, is older than what any process remembers. */
export const FORGOTTEN_US = 3_600_000_000n;
const ATTEMPTS_MAX = 5;

/** An archive that is there. */
export interface ArchiveRow {
  readonly id: bigint;
  readonly name: string;
}

export interface ArchiveNamesOptions {
  readonly database: SqlDatabase;
  readonly clock: Clock;
  readonly table: string;
  /** Users and rooms of one name have archives of their own. */
  readonly kind: "u" | "r";
}

/** See the head of this file. */
export class ArchiveNames {
  readonly #database: SqlDatabase;
  readonly #table: string;
  readonly #kind: "u" | "r";
  readonly #known: LRUCache<string, bigint>;
  readonly #insert: Batch;

  constructor({ database, clock, table, kind }: ArchiveNamesOptions) {
    this.#database = database;
    this.#table = table;
    this.#kind = kind;
    const perf = { now: () => clock.now() };
    this.#known = new LRUCache({ max: NAMES_MAX, ttl: KEEP_MS, perf });
    this.#insert = new Batch(database.traits, {
      table,
      columns: [
        { name: "kind", type: "text" },
        { name: "server", type: "text" },
        { name: "name", type: "text" },
      ],
      onConflict: { key: ["kind", "server", "name"], update: "ignore" },
    });
  }

  /** The table of the names. */
  get table(): string {
    return this.#table;
  }

  /** The number of an archive; undefined if nothing was ever archived there. */
  async find(owner: ArchiveOwner): Promise<bigint | undefined> {
    const known = this.#known.get(ownerKey(owner));
    if (known !== undefined) return known;
    await this.#load(owner.server, [owner.name]);
    return this.#known.get(ownerKey(owner));
  }

  /** The numbers of archives by `ownerKey`, which are made if need be. */
  async resolve(owners: readonly ArchiveOwner[]): Promise<ReadonlyMap<string, bigint>> {
    const found = new Map<string, bigint>();
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const missing = new Map<string, ArchiveOwner>();
      for (const owner of owners) {
        const key = ownerKey(owner);
        const id = found.get(key) ?? this.#known.get(key);
        if (id === undefined) missing.set(key, owner);
        else found.set(key, id);
      }
      if (missing.size === 0) return found;
      // Looked for first: in most cases they exist, and an insert would burn a number.
      if (attempt > 0) await this.#make([...missing.values()]);
      for (const [server, names] of byServer(missing.values())) {
        for (const [key, id] of await this.#load(server, names)) found.set(key, id);
      }
    }
    throw new ConflictError(`archives were removed ${ATTEMPTS_MAX} times while they were made`);
  }

  /** Archives of a server, or of all, by number, `limit` of them behind `after`. */
  async page(
    server: string | undefined,
    after: bigint,
    limit: number,
  ): Promise<readonly ArchiveRow[]> {
    const where = server === undefined ? "" : " and server = ?";
    const rows = await this.#database.query(
      `select id, name from ${this.#table} where kind = ?${where} and id > ? order by id limit ?`,
      [this.#kind, ...(server === undefined ? [] : [server]), after, BigInt(limit)],
    );
    return rows.map((row) => ({ id: bigintOf(row.id), name: textOf(row.name) }));
  }

  /** Marks an archive as removed. */
  async mark(owner: ArchiveOwner, id: bigint, nowUs: bigint): Promise<void> {
    this.#known.delete(ownerKey(owner));
    await this.#database.execute(`update ${this.#table} set removed_us = ? where id = ?`, [
      nowUs,
      id,
    ]);
  }

  /** Numbers that were marked before `us`. */
  async markedBefore(us: bigint, limit: number): Promise<readonly bigint[]> {
    const rows = await this.#database.query(
      `select id from ${this.#table} where kind = ? and removed_us < ? limit ?`,
      [this.#kind, us, BigInt(limit)],
    );
    return rows.map((row) => bigintOf(row.id));
  }

  /** Lets a row go that is still marked; or, if it is in use, takes its mark away. */
  async settle(id: bigint, isInUse: boolean, before: bigint): Promise<void> {
    const what = isInUse
      ? `update ${this.#table} set removed_us = null`
      : `delete from ${this.#table}`;
    await this.#database.execute(`${what} where id = ? and removed_us < ?`, [id, before]);
  }

  async #make(owners: readonly ArchiveOwner[]): Promise<void> {
    const rows = owners.map(({ server, name }) => [this.#kind, server, name]);
    rows.sort((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
    await this.#insert.run(this.#database, rows);
  }

  async #load(server: string, names: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    const some = inList(this.#database.traits, "name", "text", names);
    const rows = await this.#database.query(
      `select id, name, removed_us from ${this.#table} where kind = ? and server = ? and ${some.text}`,
      [this.#kind, server, ...some.params],
    );
    const found = new Map<string, bigint>();
    for (const row of rows) {
      if (!(await this.#isKept(row))) continue;
      const key = ownerKey({ server, name: textOf(row.name) });
      const id = bigintOf(row.id);
      this.#known.set(key, id);
      found.set(key, id);
    }
    return found;
  }

  /** Takes the mark off; false if the row went meanwhile. */
  async #isKept(row: SqlRow): Promise<boolean> {
    if (row.removed_us === null) return true;
    const text = `update ${this.#table} set removed_us = null where id = ?`;
    return (await this.#database.execute(text, [bigintOf(row.id)])) > 0;
  }
}

/** Names an owner in maps and groups. */
export function ownerKey({ server, name }: ArchiveOwner): string {
  // A server's name has no "/".
  return `${server}/${name}`;
}

/** @throws InvalidArgumentError, InvalidKeyError, TooLargeError */
export function checkOwner(owner: ArchiveOwner): void {
  checkHost(owner.server);
  if (owner.server.includes("/")) {
    throw new InvalidArgumentError('server has a "/"; allowed is the name of a domain');
  }
  checkKey(owner.name);
}

function byServer(owners: Iterable<ArchiveOwner>): ReadonlyMap<string, string[]> {
  const servers = new Map<string, string[]>();
  for (const { server, name } of owners) {
    const names = servers.get(server);
    if (names === undefined) servers.set(server, [name]);
    else names.push(name);
  }
  return servers;
}
