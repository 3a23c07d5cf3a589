/** The tables of the rosters, and the statements that make them. */
import type { SqlTraits } from "../../sql/dialect.ts";
import { HOST_BYTES_MAX, KEY_BYTES_MAX } from "../contract/inputs.ts";
import { ROSTER_ADDRESS_BYTES_MAX } from "./roster-item.ts";

/** The names of the tables. */
export interface RosterTables {
  readonly owner: string;
  readonly item: string;
}

/** The names under a prefix, by default "". */
export function rosterTables(prefix = ""): RosterTables {
  return { owner: `${prefix}roster_owner`, item: `${prefix}roster_item` };
}

/**
 * The statements, in their order. The groups of an item are a list in its row: they cannot be
 * torn from it, and need no index that an address and a group together would not fit into.
 */
export function rosterTableStatements(traits: SqlTraits, prefix = ""): readonly string[] {
  const { owner, item } = rosterTables(prefix);
  const { identity, longText, createTableTail: tail } = traits;
  const text = (bytes: number) => `${traits.bytewiseText(bytes)} not null`;
  const primary = identity.includes("primary key") ? "" : ", primary key (id)";
  return [
    `create table ${owner} (id ${identity}, server ${text(HOST_BYTES_MAX)},
      name ${text(KEY_BYTES_MAX)}, version bigint not null, floor_version bigint not null${primary},
      constraint ${owner}_name unique (server, name)) ${tail}`,
    `create table ${item} (roster_id bigint not null, jid ${text(ROSTER_ADDRESS_BYTES_MAX)},
      nick ${text(KEY_BYTES_MAX)}, subscription ${text(1)}, ask ${text(1)}, ask_message ${longText},
      preapproved smallint not null, group_list ${longText} not null, version bigint not null,
      primary key (roster_id, jid)) ${tail}`,
    `create index ${item}_version on ${item} (roster_id, version)`,
  ];
}
