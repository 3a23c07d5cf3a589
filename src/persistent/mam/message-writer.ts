/**
 * Writes batches of messages so that a batch may come again: what is there already stays. The
 * batch is inserted without a look; only if an id turns out to exist are the rows compared.
 */
import { ConflictError } from "../../errors.ts";
import { BATCH_ROWS_MAX, Batch } from "../../sql/batch.ts";
import type { SqlDatabase, SqlSession } from "../../sql/database.ts";
import type { SqlRow, SqlValue } from "../../sql/dialect.ts";
import { inList } from "../../sql/in-list.ts";
import { LostRaceError } from "../../sql/lost-race.ts";
import { bigintOf, textOf } from "../../sql/row-values.ts";
import type { Tenure } from "../contract/tenure.ts";
import { type ArchiveNames, ownerKey } from "./archive-names.ts";
import { formatMessageId } from "./message-ids.ts";
import type { MessageShape } from "./message-shape.ts";
import type { AnyMessage, AnyMessageInput, ArchiveOwner } from "./messages.ts";

export interface MessageWriterOptions {
  readonly database: SqlDatabase;
  readonly names: ArchiveNames;
  readonly shape: MessageShape<AnyMessageInput, AnyMessage>;
  /** Whether the rows of a server are here. */
  readonly tenure: Tenure;
}

/** A message that was checked, on its way. */
export interface QueuedMessage {
  readonly owner: ArchiveOwner;
  readonly id: bigint;
  /** Of the columns behind archive and id. */
  readonly values: readonly SqlValue[];
  /** Why it was given up. */
  refusal: unknown;
}

type Row = readonly SqlValue[];

/** Columns that a retraction changes. */
const CHANGED_BY_RETRACTION: ReadonlySet<string> = new Set(["message", "search_body"]);

/** Rows of a statement where it stops the event loop: a power of four, a few milliseconds. */
const LOCAL_ROWS = 64;

/** See the head of this file. */
export class MessageWriter {
  readonly #database: SqlDatabase;
  readonly #names: ArchiveNames;
  readonly #shape: MessageShape<AnyMessageInput, AnyMessage>;
  readonly #tenure: Tenure;
  readonly #insert: Batch;

  constructor({ database, names, shape, tenure }: MessageWriterOptions) {
    this.#database = database;
    this.#names = names;
    this.#shape = shape;
    this.#tenure = tenure;
    this.#insert = new Batch(database.traits, shape);
  }

  /**
   * @throws ConflictError if an id exists with another content; then nothing was written
   * @throws MovedAwayError, UnavailableError if rows of a server of these are not surely here
   */
  async write(batch: readonly QueuedMessage[]): Promise<void> {
    const servers = new Set(batch.map(({ owner }) => owner.server));
    for (const server of servers) await this.#tenure.hold(server);
    const assertHeld = () => {
      for (const server of servers) this.#tenure.assertHeld(server);
    };
    const ids = await this.#names.resolve(batch.map(({ owner }) => owner));
    const rows = batch.map(({ owner, id, values }) => {
      const archive = ids.get(ownerKey(owner));
      if (archive === undefined) throw new TypeError("an archive has no number");
      return [archive, id, ...values];
    });
    try {
      assertHeld();
      await this.#insertAll(rows);
    } catch (error) {
      if (!this.#database.traits.isDuplicate(error)) throw error;
      await this.#insertMissing(rows, assertHeld);
    }
  }

  /** One statement is a transaction by itself. */
  async #insertAll(rows: readonly Row[]): Promise<void> {
    const { traits } = this.#database;
    const rowsMax = traits.stopsThisThread ? LOCAL_ROWS : BATCH_ROWS_MAX;
    if (traits.hasArrays || rows.length === 1)
      await this.#insert.run(this.#database, rows, rowsMax);
    else await this.#database.transact((tx) => this.#insert.run(tx, rows, rowsMax));
  }

  async #insertMissing(rows: readonly Row[], assertHeld: () => void): Promise<void> {
    const wanted = new Map<string, Row>();
    for (const row of rows) {
      const known = wanted.get(rowKey(row));
      if (known !== undefined && !isSame(known, row)) throw conflict(row);
      wanted.set(rowKey(row), row);
    }
    await this.#database.transact(async (tx) => {
      assertHeld();
      const missing = new Map(wanted);
      for (const found of await this.#existing(tx, wanted.values())) {
        const key = `${bigintOf(found.archive_id)}/${bigintOf(found.id)}`;
        const row = wanted.get(key);
        if (row === undefined) continue;
        if (!this.#isWritten(found, row)) throw conflict(row);
        missing.delete(key);
      }
      if (missing.size === 0) return;
      try {
        await this.#insert.run(tx, [...missing.values()]);
      } catch (error) {
        if (!tx.traits.isDuplicate(error)) throw error;
        throw new LostRaceError("the id was written once more", { cause: error });
      }
    });
  }

  async #existing(tx: SqlSession, rows: Iterable<Row>): Promise<readonly SqlRow[]> {
    const idsOf = new Map<SqlValue, SqlValue[]>();
    for (const [archive = null, id = null] of rows) {
      const ids = idsOf.get(archive);
      if (ids === undefined) idsOf.set(archive, [id]);
      else ids.push(id);
    }
    const names = this.#shape.columns.map(({ name }) => name).join(", ");
    const found: SqlRow[] = [];
    for (const [archive, ids] of idsOf) {
      const some = inList(tx.traits, "id", "bigint", ids);
      const text =
        `select ${names}, retracted_us from ${this.#shape.table} ` +
        `where archive_id = ? and ${some.text}`;
      found.push(...(await tx.query(text, [archive, ...some.params])));
    }
    return found;
  }

  #isWritten(found: SqlRow, row: Row): boolean {
    const isRetracted = found.retracted_us !== null;
    return this.#shape.columns.every(({ name }, at) => {
      if (isRetracted && CHANGED_BY_RETRACTION.has(name)) return true;
      return plain(found[name]) === plain(row[at]);
    });
  }
}

function rowKey([archive, id]: Row): string {
  return `${archive}/${id}`;
}

function isSame(left: Row, right: Row): boolean {
  return left.every((value, at) => value === right[at]);
}

/** A column's value in a form that is the same for what was given and what was stored. */
function plain(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" || value instanceof Uint8Array ? textOf(value) : String(value);
}

function conflict([, id]: Row): ConflictError {
  const text = typeof id === "bigint" ? formatMessageId(id) : String(id);
  return new ConflictError(`the message ${text} exists in this archive with another content`);
}
