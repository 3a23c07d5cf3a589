/** Items of rosters: their form, what is checked of them, and their rows. */
import { InvalidArgumentError, TooLargeError } from "../../errors.ts";
import type { SqlRow, SqlValue } from "../../sql/dialect.ts";
import { bigintOf, numberOf, textOf } from "../../sql/row-values.ts";

/** Whose roster: "ann" at "example.com". Prepared, compared byte by byte. */
export interface RosterOwner {
  /** The domain, 1 to 255 bytes. */
  readonly server: string;
  /** In front of the @, 1 to 1,023 bytes. */
  readonly name: string;
}

/** Who sees whose presence: "to": the owner the contact's; "from": the contact the owner's. */
export type Subscription = "none" | "to" | "from" | "both";

/**
 * What was asked and not answered yet. "subscribe", "unsubscribe", "out": by the owner; "in": by
 * the contact; "both": by both.
 */
export type Ask = "none" | "subscribe" | "unsubscribe" | "out" | "in" | "both";

/** An item on its way into a roster. */
export interface RosterItemInput {
  /** What the owner calls the contact, up to 1,023 bytes. Default "". */
  readonly nick?: string;
  /** Up to 100, each of 1 to 1,023 bytes; twice the same counts once. Default none. */
  readonly groups?: readonly string[];
  /** Default "none". */
  readonly subscription?: Subscription;
  /** Default "none". */
  readonly ask?: Ask;
  /** The contact's whole request, to be shown again, up to 64 KiB. */
  readonly askMessage?: string;
  /** The contact's request is granted before it comes. Default false. */
  readonly isPreapproved?: boolean;
}

/** An item as it is stored. */
export interface RosterItem {
  /** The contact's address. */
  readonly jid: string;
  readonly nick: string;
  /** In byte order. */
  readonly groups: readonly string[];
  readonly subscription: Subscription;
  readonly ask: Ask;
  readonly askMessage: string | undefined;
  readonly isPreapproved: boolean;
  /** The roster's version when the item was changed last. */
  readonly version: string;
}

/** The most bytes of a contact's address. */
export const ROSTER_ADDRESS_BYTES_MAX = 2047;
/** The most groups of an item. */
export const GROUPS_MAX = 100;
/** The most bytes of `askMessage`. */
export const ASK_MESSAGE_BYTES_MAX = 64 * 1024;

const NAME_BYTES_MAX = 1023;
const SUBSCRIPTIONS = { none: "N", to: "T", from: "F", both: "B" } as const;
const ASKS = { none: "N", subscribe: "S", unsubscribe: "U", out: "O", in: "I", both: "B" } as const;
/** In place of a subscription: the item was deleted. */
export const REMOVED = "R";
/** The columns of an item behind the roster and the address. */
export const ITEM_COLUMNS = [
  "nick",
  "subscription",
  "ask",
  "ask_message",
  "preapproved",
  "group_list",
  "version",
] as const;

/**
 * The columns of an item, but for its version.
 * @throws InvalidArgumentError, TooLargeError
 */
export function itemValues(item: RosterItemInput): readonly SqlValue[] {
  const { nick = "", groups = [], subscription = "none", ask = "none", askMessage } = item;
  checkRosterText("nick", nick, { min: 0, max: NAME_BYTES_MAX });
  checkOneOf("subscription", subscription, Object.keys(SUBSCRIPTIONS));
  checkOneOf("ask", ask, Object.keys(ASKS));
  if (askMessage !== undefined) {
    checkRosterText("askMessage", askMessage, { min: 0, max: ASK_MESSAGE_BYTES_MAX });
  }
  const own = [...new Set(groups)].sort(byBytes);
  if (own.length > GROUPS_MAX) {
    throw new TooLargeError(`an item has ${own.length} groups; allowed are ${GROUPS_MAX}`);
  }
  for (const group of own) checkRosterText("group", group, { min: 1, max: NAME_BYTES_MAX });
  return [
    nick,
    SUBSCRIPTIONS[subscription],
    ASKS[ask],
    askMessage ?? null,
    item.isPreapproved === true ? 1n : 0n,
    JSON.stringify(own),
  ];
}

/** The columns of an item that was deleted, but for its version. */
export const REMOVED_VALUES: readonly SqlValue[] = ["", REMOVED, "N", null, 0n, "[]"];

/** The item of a row; undefined if it was deleted. */
export function itemOf(row: SqlRow): RosterItem | undefined {
  const subscription = nameOf(SUBSCRIPTIONS, textOf(row.subscription));
  if (subscription === undefined) return undefined;
  return {
    jid: textOf(row.jid),
    nick: textOf(row.nick),
    groups: groupsOf(textOf(row.group_list)),
    subscription,
    ask: nameOf(ASKS, textOf(row.ask)) ?? "none",
    askMessage: row.ask_message === null ? undefined : textOf(row.ask_message),
    isPreapproved: numberOf(row.preapproved) === 1,
    version: String(bigintOf(row.version)),
  };
}

/** @throws InvalidArgumentError, TooLargeError */
export function checkContact(jid: unknown): asserts jid is string {
  checkRosterText("jid", jid, { min: 1, max: ROSTER_ADDRESS_BYTES_MAX });
}

function checkRosterText(
  name: string,
  text: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): asserts text is string {
  const allowed = `allowed is text of ${min} to ${max} bytes without U+0000`;
  if (typeof text !== "string" || text.includes("\0") || !text.isWellFormed()) {
    throw new InvalidArgumentError(`${name} is ${shown(text)}; ${allowed}`);
  }
  const bytes = text.length * 3 > max ? Buffer.byteLength(text) : text.length;
  if (bytes > max) throw new TooLargeError(`${name} ${shown(text)} has ${bytes} bytes; ${allowed}`);
  if (bytes < min) throw new InvalidArgumentError(`${name} is empty; ${allowed}`);
}

function checkOneOf(name: string, given: string, allowed: readonly string[]): void {
  if (allowed.includes(given)) return;
  throw new InvalidArgumentError(`${name} is ${String(given)}; allowed are ${allowed.join(", ")}`);
}

function shown(given: unknown): string {
  return typeof given === "string" ? JSON.stringify(given.slice(0, 40)) : `a ${typeof given}`;
}

function nameOf<Name extends string>(
  letters: Readonly<Record<Name, string>>,
  letter: string,
): Name | undefined {
  for (const name in letters) if (letters[name] === letter) return name;
  return undefined;
}

function groupsOf(text: string): readonly string[] {
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.filter((group) => typeof group === "string") : [];
}

function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}
