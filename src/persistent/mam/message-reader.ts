/** Asks an archive's table: pages, counts, single messages. */
import { NotFoundError } from "../../errors.ts";
import type { SqlDatabase, SqlSession } from "../../sql/database.ts";
import type { SqlRow, SqlValue } from "../../sql/dialect.ts";
import { type Condition, inList } from "../../sql/in-list.ts";
import { bigintOf, numberOf, textOf } from "../../sql/row-values.ts";
import { checkWhen } from "../contract/inputs.ts";
import {
  checkMessageId,
  firstIdAt,
  formatMessageId,
  lastIdAt,
  MESSAGE_ID_MAX,
} from "./message-ids.ts";
import type { MessageShape } from "./message-shape.ts";
import type { AnyMessage, AnyMessageInput, ArchiveOwner, MessageFilter } from "./messages.ts";
import { greater, lesser, type PagePlan, type Span } from "./paging.ts";
import { searchPatterns } from "./search-text.ts";

/** A filter in the terms of the table. */
export interface Selected {
  readonly span: Span;
  /** Behind those on archive and id, each with " and " in front. */
  readonly where: Condition;
}

/** See the head of this file. */
export class MessageReader<Message extends AnyMessage> {
  readonly #database: SqlDatabase;
  readonly #shape: MessageShape<AnyMessageInput, Message>;
  readonly #select: string;

  constructor(database: SqlDatabase, shape: MessageShape<AnyMessageInput, Message>) {
    this.#database = database;
    this.#shape = shape;
    const names = shape.columns
      .map(({ name }) => name)
      .filter((name) => name !== "archive_id" && name !== "search_body");
    this.#select = `select ${names.join(", ")}, retracted_us from ${shape.table} where archive_id = ?`;
  }

  /** Checks a filter. */
  select(filter: MessageFilter): Selected {
    const conditions = [...this.#shape.conditions(filter)];
    if (filter.text !== undefined) {
      for (const pattern of searchPatterns(filter.text)) {
        conditions.push({ text: "search_body like ?", params: [pattern] });
      }
    }
    return { span: spanOf(filter), where: joined(conditions) };
  }

  async page(archive: bigint, plan: PagePlan, where: Condition): Promise<readonly Message[]> {
    if (plan.limit === 0) return [];
    const { low, high } = plan.span;
    const text =
      `${this.#select} and id >= ? and id <= ?${where.text} ` +
      `order by id${plan.isReverse ? " desc" : ""} limit ?${plan.skip > 0 ? " offset ?" : ""}`;
    const params: SqlValue[] = [archive, low, high, ...where.params, BigInt(plan.limit)];
    if (plan.skip > 0) params.push(BigInt(plan.skip));
    return (await this.#database.query(text, params)).map((row) => this.#shape.messageOf(row));
  }

  /** A number that is known, or the count of a span. */
  async count(archive: bigint, what: number | Span, where: Condition): Promise<number> {
    if (typeof what === "number") return what;
    if (what.low > what.high) return 0;
    const [row] = await this.#database.query(
      `select count(*) as number from ${this.#shape.table} ` +
        `where archive_id = ? and id >= ? and id <= ?${where.text}`,
      [archive, what.low, what.high, ...where.params],
    );
    return numberOf(row?.number);
  }

  /** These messages, ascending. @throws NotFoundError if one of them is not there */
  async all(archive: bigint, ids: readonly bigint[]): Promise<readonly Message[]> {
    const some = inList(this.#database.traits, "id", "bigint", ids);
    const text = `${this.#select} and ${some.text} order by id`;
    const rows = await this.#database.query(text, [archive, ...some.params]);
    const found = rows.map((row) => this.#shape.messageOf(row));
    const known = new Set(found.map(({ id }) => id));
    const missing = ids.find((id) => !known.has(id));
    if (missing !== undefined) throw notFound(missing);
    return found;
  }

  /** @throws NotFoundError if one of them is not there */
  async need(archive: bigint, ids: readonly (bigint | undefined)[]): Promise<void> {
    const wanted = ids.filter((id) => id !== undefined);
    if (wanted.length === 0) return;
    const some = inList(this.#database.traits, "id", "bigint", wanted);
    const rows = await this.#database.query(
      `select id from ${this.#shape.table} where archive_id = ? and ${some.text}`,
      [archive, ...some.params],
    );
    const known = new Set(rows.map((row) => bigintOf(row.id)));
    const missing = wanted.find((id) => !known.has(id));
    if (missing !== undefined) throw notFound(missing);
  }

  /** What a sender said in all rooms, behind a place in the order of archives and ids. */
  async sentBy(
    sender: string,
    after: { readonly archive: bigint; readonly id: bigint },
    at: { readonly names: string; readonly limit: number },
  ): Promise<readonly { archive: bigint; owner: ArchiveOwner; message: Message }[]> {
    const columns = this.#shape.columns.map(({ name }) => `m.${name}`).join(", ");
    const rows = await this.#database.query(
      `select a.server, a.name, ${columns}, m.retracted_us from ${this.#shape.table} m ` +
        `join ${at.names} a on a.id = m.archive_id where m.sender = ? and ` +
        "(m.archive_id > ? or (m.archive_id = ? and m.id > ?)) " +
        "order by m.archive_id, m.id limit ?",
      [sender, after.archive, after.archive, after.id, BigInt(at.limit)],
    );
    return rows.map((row) => ({
      archive: bigintOf(row.archive_id),
      owner: { server: textOf(row.server), name: textOf(row.name) },
      message: this.#shape.messageOf(row),
    }));
  }

  /** The first and the last message. */
  async ends(archive: bigint): Promise<readonly [first: bigint, last: bigint] | undefined> {
    const text = `select id from ${this.#shape.table} where archive_id = ? order by id`;
    const [first] = await this.#database.query(`${text} limit 1`, [archive]);
    const [last] = await this.#database.query(`${text} desc limit 1`, [archive]);
    if (first === undefined || last === undefined) return undefined;
    return [bigintOf(first.id), bigintOf(last.id)];
  }

  /** The newest message that meets the conditions. */
  async newest(
    session: SqlSession,
    archive: bigint,
    conditions: readonly Condition[],
  ): Promise<Message | undefined> {
    const where = joined(conditions);
    const text = `${this.#select}${where.text} order by id desc limit 1`;
    const rows: readonly SqlRow[] = await session.query(text, [archive, ...where.params]);
    return rows[0] === undefined ? undefined : this.#shape.messageOf(rows[0]);
  }
}

/** All members of a filter that are about ids and time, as one span. */
function spanOf(filter: MessageFilter): Span {
  const { start, end, afterId, beforeId, fromId, toId } = filter;
  let low = 0n;
  let high = MESSAGE_ID_MAX;
  if (start !== undefined) {
    checkWhen("start", start);
    low = greater(low, firstIdAt(start));
  }
  if (end !== undefined) {
    checkWhen("end", end);
    high = lesser(high, lastIdAt(end));
  }
  for (const [name, id] of Object.entries({ afterId, beforeId, fromId, toId })) {
    if (id !== undefined) checkMessageId(name, id);
  }
  if (afterId !== undefined) low = greater(low, afterId + 1n);
  if (fromId !== undefined) low = greater(low, fromId);
  if (beforeId !== undefined) high = lesser(high, beforeId - 1n);
  if (toId !== undefined) high = lesser(high, toId);
  return { low, high };
}

function joined(conditions: readonly Condition[]): Condition {
  return {
    text: conditions.map(({ text }) => ` and ${text}`).join(""),
    params: conditions.flatMap(({ params }) => params),
  };
}

/** What a client may ask for and this archive does not have. */
export function notFound(id: bigint): NotFoundError {
  return new NotFoundError(`there is no message ${formatMessageId(id)} in this archive`);
}
