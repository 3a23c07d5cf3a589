/**
 * Migration 3: rosters. The groups of an item are a list in its row: they cannot be torn from it,
 * and no index has to hold an address and a group together.
 */
import type { Migration } from "../../sql/migrations/migration.ts";

const NAME_BYTES = 1023;
const HOST_BYTES = 255;
const ADDRESS_BYTES = 2047;

/** See the head of this file. */
export const rosterTables: Migration = {
  version: 3,
  name: "rosters",
  steps({ dialect, traits, prefix }) {
    const text = (bytes: number) => `${traits.bytewiseText(bytes)} not null`;
    return [
      {
        kind: "table",
        table: `${prefix}roster_owner`,
        parts: [
          `id ${traits.identity}`,
          `server ${text(HOST_BYTES)}`,
          `name ${text(NAME_BYTES)}`,
          "version bigint not null",
          "floor_version bigint not null",
          ...(dialect === "sqlite" ? [] : ["primary key (id)"]),
          "unique (server, name)",
        ],
      },
      {
        kind: "table",
        table: `${prefix}roster_item`,
        parts: [
          "roster_id bigint not null",
          `jid ${text(ADDRESS_BYTES)}`,
          `nick ${text(NAME_BYTES)}`,
          `subscription ${text(1)}`,
          `ask ${text(1)}`,
          `ask_message ${traits.longText}`,
          "preapproved smallint not null",
          `group_list ${traits.longText} not null`,
          "version bigint not null",
          "primary key (roster_id, jid)",
        ],
      },
      {
        kind: "index",
        index: `${prefix}roster_item_version`,
        table: `${prefix}roster_item`,
        columns: ["roster_id", "version"],
      },
    ];
  },
};
