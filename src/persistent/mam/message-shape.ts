/**
 * In what the tables of users' and of rooms' messages differ: columns, filters, and who may
 * retract. Makers of `MessageShape`: users and rooms, below.
 */
import { InvalidArgumentError, TooLargeError } from "../../errors.ts";
import type { BatchColumn } from "../../sql/batch.ts";
import type { SqlRow, SqlValue } from "../../sql/dialect.ts";
import type { Condition } from "../../sql/in-list.ts";
import { bigintOf, numberOf, textOf } from "../../sql/row-values.ts";
import { checkKey } from "../contract/inputs.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { microsOf } from "./message-ids.ts";
import type {
  AnyMessage,
  AnyMessageInput,
  MessageFilter,
  RoomMessage,
  RoomMessageInput,
  UserMessage,
  UserMessageInput,
} from "./messages.ts";
import { searchBody } from "./search-text.ts";
import { type MamTables, ORIGIN_ID_BYTES_MAX } from "./tables.ts";

/** Whose message is to be retracted: what of it has to be the same. */
export type RetractionAuthor = Pick<UserMessageInput, "with" | "direction"> | { sender: string };

/** What is kept of messages. */
export interface ContentRules {
  readonly packetBytesMax: number;
  readonly hasTextSearch: boolean;
}

/** See the head of this file. */
export interface MessageShape<Input extends AnyMessageInput, Message extends AnyMessage> {
  /** "u" or "r": users and rooms of one name have archives of their own. */
  readonly kind: "u" | "r";
  readonly table: string;
  /** What goes into a row, the archive's number first and the id second. */
  readonly columns: readonly BatchColumn[];
  /** Checks the message; the values of the columns behind the second. */
  values(message: Input): readonly SqlValue[];
  messageOf(row: SqlRow): Message;
  /** The members of a filter that only this shape has. */
  conditions(filter: MessageFilter): readonly Condition[];
  /** What a message of this author meets. */
  author(author: RetractionAuthor): readonly Condition[];
}

const HEAD = [
  { name: "archive_id", type: "bigint" },
  { name: "id", type: "bigint" },
] as const;
const CONTENT = [
  { name: "origin_id", type: "text" },
  { name: "message", type: "text" },
  { name: "search_body", type: "text" },
] as const;

/** Messages of users. */
export function userShape(
  tables: MamTables,
  rules: ContentRules,
): MessageShape<UserMessageInput, UserMessage> {
  return {
    kind: "u",
    table: tables.message,
    columns: [
      ...HEAD,
      { name: "remote_bare", type: "text" },
      { name: "remote_res", type: "text" },
      { name: "from_jid", type: "text" },
      { name: "direction", type: "text" },
      { name: "is_groupchat", type: "smallint" },
      ...CONTENT,
    ],
    values(message) {
      const remote = parseAddress("with", message.with);
      parseAddress("from", message.from);
      checkOneOf("direction", message.direction, ["in", "out"]);
      return [
        remote.bare,
        remote.resource,
        message.from,
        message.direction === "in" ? "I" : "O",
        message.isGroupchat === true ? 1n : 0n,
        ...contentOf(message, rules),
      ];
    },
    // Written out: with a shared part that is spread a page takes 2.5 times as long.
    messageOf(row) {
      const id = bigintOf(row.id);
      return {
        id,
        at: microsOf(id),
        with: formatAddress({ bare: textOf(row.remote_bare), resource: textOf(row.remote_res) }),
        from: textOf(row.from_jid),
        direction: textOf(row.direction) === "I" ? "in" : "out",
        isGroupchat: numberOf(row.is_groupchat) === 1,
        originId: row.origin_id === null ? undefined : textOf(row.origin_id),
        packet: textOf(row.message),
        retractedAt: row.retracted_us === null ? undefined : bigintOf(row.retracted_us),
      };
    },
    conditions(filter) {
      refuseMembers(filter, ["nick", "sender"], "a user's archive");
      const found: Condition[] = [];
      if (filter.with !== undefined) {
        const { bare, resource } = parseAddress("with", filter.with);
        found.push({ text: "remote_bare = ?", params: [bare] });
        if (resource !== "") found.push({ text: "remote_res = ?", params: [resource] });
      }
      if (filter.includeGroupchat === false) found.push({ text: "is_groupchat = 0", params: [] });
      return found;
    },
    author(author) {
      if (!("direction" in author)) throw wrongAuthor("with and direction");
      return [
        { text: "remote_bare = ?", params: [parseAddress("with", author.with).bare] },
        { text: "direction = ?", params: [author.direction === "in" ? "I" : "O"] },
      ];
    },
  };
}

/** Messages of rooms. */
export function roomShape(
  tables: MamTables,
  rules: ContentRules,
): MessageShape<RoomMessageInput, RoomMessage> {
  return {
    kind: "r",
    table: tables.roomMessage,
    columns: [
      ...HEAD,
      { name: "nick", type: "text" },
      { name: "sender", type: "text" },
      ...CONTENT,
    ],
    values(message) {
      checkKey(message.nick);
      const sender = checkBare("sender", message.sender);
      return [message.nick, sender, ...contentOf(message, rules)];
    },
    messageOf(row) {
      const id = bigintOf(row.id);
      return {
        id,
        at: microsOf(id),
        nick: textOf(row.nick),
        sender: textOf(row.sender),
        originId: row.origin_id === null ? undefined : textOf(row.origin_id),
        packet: textOf(row.message),
        retractedAt: row.retracted_us === null ? undefined : bigintOf(row.retracted_us),
      };
    },
    conditions(filter) {
      refuseMembers(filter, ["with", "includeGroupchat"], "a room's archive");
      const found: Condition[] = [];
      if (filter.nick !== undefined) {
        checkKey(filter.nick);
        found.push({ text: "nick = ?", params: [filter.nick] });
      }
      if (filter.sender !== undefined) {
        found.push({ text: "sender = ?", params: [checkBare("sender", filter.sender)] });
      }
      return found;
    },
    author(author) {
      if (!("sender" in author)) throw wrongAuthor("sender");
      return [{ text: "sender = ?", params: [checkBare("sender", author.sender)] }];
    },
  };
}

/** @throws InvalidArgumentError, TooLargeError */
export function checkOriginId(originId: unknown): asserts originId is string {
  checkText("originId", originId, ORIGIN_ID_BYTES_MAX);
}

function checkText(name: string, text: unknown, bytesMax: number): void {
  if (typeof text !== "string" || text === "" || text.includes("\0") || !text.isWellFormed()) {
    const given = typeof text === "string" ? JSON.stringify(text.slice(0, 40)) : typeof text;
    throw new InvalidArgumentError(
      `${name} is ${given}; allowed is text of 1 to ${bytesMax} bytes without U+0000`,
    );
  }
  const bytes = text.length * 3 > bytesMax ? Buffer.byteLength(text) : text.length;
  if (bytes > bytesMax) {
    throw new TooLargeError(`${name} has ${bytes} bytes; allowed are ${bytesMax}`);
  }
}

function contentOf(
  { originId, packet, text }: AnyMessageInput,
  { packetBytesMax, hasTextSearch }: ContentRules,
): readonly SqlValue[] {
  if (originId !== undefined) checkOriginId(originId);
  checkText("packet", packet, packetBytesMax);
  const body = text === undefined || !hasTextSearch ? "" : searchBody(text);
  if (body !== "") checkText("text", body, packetBytesMax);
  return [originId ?? null, packet, body === "" ? null : body];
}

function checkBare(name: string, given: string): string {
  const { bare, resource } = parseAddress(name, given);
  if (resource === "") return bare;
  throw new InvalidArgumentError(`${name} is a full address; allowed is a bare one, without "/"`);
}

function checkOneOf(name: string, given: string, allowed: readonly string[]): void {
  if (allowed.includes(given)) return;
  throw new InvalidArgumentError(`${name} is ${String(given)}; allowed are ${allowed.join(", ")}`);
}

function refuseMembers(
  filter: MessageFilter,
  members: readonly (keyof MessageFilter)[],
  where: string,
): void {
  for (const member of members) {
    if (filter[member] === undefined) continue;
    throw new InvalidArgumentError(`${member} is given, which a filter of ${where} has not`);
  }
}

function wrongAuthor(needed: string): InvalidArgumentError {
  return new InvalidArgumentError(`a retraction names its author by ${needed} here`);
}
