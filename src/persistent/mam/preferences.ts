/**
 * What a user wants archived: a default, and addresses for which it is always or never. Of a full
 * address, its bare one and the default, the most specific says.
 */
import { InvalidArgumentError, TooLargeError } from "../../errors.ts";
import { Batch, conflictTail } from "../../sql/batch.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import { inList } from "../../sql/in-list.ts";
import { textOf } from "../../sql/row-values.ts";
import type { Tenure } from "../contract/tenure.ts";
import { BARE_BYTES_MAX, formatAddress, parseAddress } from "./address.ts";
import { type ArchiveNames, checkOwner, ownerKey } from "./archive-names.ts";
import type { ArchiveOwner } from "./messages.ts";

/** "roster": as it is for those in the user's roster. */
export type Behaviour = "always" | "never" | "roster";

/** All preferences of a user. */
export interface Preferences {
  /** For everybody else. */
  readonly default: Behaviour;
  /** Addresses, bare or full, in byte order. */
  readonly always: readonly string[];
  readonly never: readonly string[];
}

/** The most addresses of one user. */
export const PREFERENCES_MAX = 1000;

const LETTERS = { always: "A", never: "N", roster: "R" } as const;
const BEHAVIOURS = new Map<string, Behaviour>([
  ["A", "always"],
  ["N", "never"],
  ["R", "roster"],
]);

/** See the head of this file. */
export class ArchivePreferences {
  readonly #database: SqlDatabase;
  readonly #names: ArchiveNames;
  readonly #table: string;
  readonly #fallback: Behaviour;
  readonly #tenure: Tenure;
  readonly #insert: Batch;
  readonly #setDefault: string;

  /** `fallback`: for users who have set nothing. */
  constructor(options: {
    readonly database: SqlDatabase;
    readonly names: ArchiveNames;
    readonly table: string;
    readonly fallback: Behaviour;
    /** Whether the rows of a server are here. */
    readonly tenure: Tenure;
  }) {
    this.#database = options.database;
    this.#names = options.names;
    this.#table = options.table;
    this.#fallback = options.fallback;
    this.#tenure = options.tenure;
    const { traits } = options.database;
    const plan = {
      table: options.table,
      columns: [
        { name: "archive_id", type: "bigint" },
        { name: "remote_jid", type: "text" },
        { name: "behaviour", type: "text" },
      ],
      onConflict: { key: ["archive_id", "remote_jid"], update: ["behaviour"] },
    } as const;
    this.#insert = new Batch(traits, plan);
    this.#setDefault =
      `insert into ${options.table} (archive_id, remote_jid, behaviour) values (?, ?, ?)` +
      conflictTail(traits, plan);
  }

  /** What is to be done with messages with this address. */
  async behaviour(owner: ArchiveOwner, remote: string): Promise<Behaviour> {
    checkOwner(owner);
    const { bare, resource } = parseAddress("remote", remote);
    await this.#tenure.hold(owner.server);
    const archive = await this.#names.find(owner);
    if (archive === undefined) return this.#fallback;
    const some = inList(this.#database.traits, "remote_jid", "text", [remote, bare, ""]);
    const rows = await this.#database.query(
      `select remote_jid, behaviour from ${this.#table} where archive_id = ? and ${some.text}`,
      [archive, ...some.params],
    );
    const found = new Map(rows.map((row) => [textOf(row.remote_jid), textOf(row.behaviour)]));
    const full = formatAddress({ bare, resource });
    return known(found.get(full) ?? found.get(bare) ?? found.get("")) ?? this.#fallback;
  }

  async get(owner: ArchiveOwner): Promise<Preferences> {
    checkOwner(owner);
    await this.#tenure.hold(owner.server);
    const archive = await this.#names.find(owner);
    const rows =
      archive === undefined
        ? []
        : await this.#database.query(
            `select remote_jid, behaviour from ${this.#table} where archive_id = ? order by remote_jid`,
            [archive],
          );
    const lists = { always: [] as string[], never: [] as string[] };
    let fallback = this.#fallback;
    for (const row of rows) {
      const remote = textOf(row.remote_jid);
      const behaviour = known(textOf(row.behaviour));
      if (remote === "") fallback = behaviour ?? fallback;
      else if (behaviour === "always" || behaviour === "never") lists[behaviour].push(remote);
    }
    return { default: fallback, ...lists };
  }

  /** Replaces all of them at once. Two who do so at a time take turns. */
  async set(owner: ArchiveOwner, preferences: Preferences): Promise<void> {
    checkOwner(owner);
    const letters = checkPreferences(preferences);
    await this.#tenure.hold(owner.server);
    const ids = await this.#names.resolve([owner]);
    const archive = ids.get(ownerKey(owner));
    if (archive === undefined) throw new TypeError("an archive has no number");
    const remotes = [...letters.keys()].sort();
    const rows = remotes.map((remote) => [archive, remote, letters.get(remote) ?? ""]);
    await this.#database.transact(async (tx) => {
      this.#tenure.assertHeld(owner.server);
      // The row of the default is everybody's first: who has written it has the turn.
      await tx.execute(this.#setDefault, [archive, "", LETTERS[preferences.default]]);
      await tx.execute(`delete from ${this.#table} where archive_id = ? and remote_jid <> ''`, [
        archive,
      ]);
      if (rows.length > 0) await this.#insert.run(tx, rows);
    });
  }

  /** Removes all of them: the fallback applies again. */
  async remove(owner: ArchiveOwner): Promise<void> {
    checkOwner(owner);
    await this.#tenure.hold(owner.server);
    const archive = await this.#names.find(owner);
    if (archive !== undefined) await this.removeOf(archive);
  }

  /** The same by the number of the archive. */
  async removeOf(archive: bigint): Promise<void> {
    await this.#database.execute(`delete from ${this.#table} where archive_id = ?`, [archive]);
  }

  /** Whether an archive has any. */
  async has(archive: bigint): Promise<boolean> {
    const text = `select behaviour from ${this.#table} where archive_id = ? limit 1`;
    return (await this.#database.query(text, [archive])).length > 0;
  }
}

function known(letter: string | undefined): Behaviour | undefined {
  return letter === undefined ? undefined : BEHAVIOURS.get(letter);
}

/** Letters by address. */
function checkPreferences(preferences: Preferences): ReadonlyMap<string, string> {
  if (LETTERS[preferences.default] === undefined) {
    throw new InvalidArgumentError(
      `default is ${String(preferences.default)}; allowed are always, never and roster`,
    );
  }
  const letters = new Map<string, string>();
  for (const list of ["always", "never"] as const) {
    for (const remote of preferences[list]) {
      parseAddress(list, remote);
      if (Buffer.byteLength(remote) > BARE_BYTES_MAX) {
        throw new TooLargeError(
          `an address of ${list} has ${Buffer.byteLength(remote)} bytes; allowed are ${BARE_BYTES_MAX}`,
        );
      }
      const other = letters.get(remote);
      if (other !== undefined && other !== LETTERS[list]) {
        throw new InvalidArgumentError(
          `${JSON.stringify(remote.slice(0, 40))} is in always and in never; allowed is one of them`,
        );
      }
      letters.set(remote, LETTERS[list]);
    }
  }
  if (letters.size > PREFERENCES_MAX) {
    throw new TooLargeError(
      `${letters.size} addresses are preferred; allowed are ${PREFERENCES_MAX}`,
    );
  }
  return letters;
}
