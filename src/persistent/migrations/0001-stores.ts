/**
 * Migration 1: the stores, their rows, the rows of archives, leases. Users and keys are compared byte
 * by byte; the data of a host itself is kept under the empty user.
 */
import type { Migration } from "../../sql/migrations/migration.ts";

const NAME_BYTES = 1023;
const HOST_BYTES = 255;
const STORE_BYTES = 100;
const KIND_BYTES = 16;

/** See the head of this file. */
export const storesTables: Migration = {
  version: 1,
  name: "stores",
  steps({ dialect, traits, prefix }) {
    const text = (bytes: number) => `${traits.bytewiseText(bytes)} not null`;
    const isFile = dialect === "sqlite";
    const smallId = isFile ? traits.identity : traits.identity.replace("bigint", "smallint");
    const key = (name: string) => (isFile ? [] : [`primary key (${name})`]);
    const index = (name: string, columns: readonly string[]) =>
      ({ kind: "index", index: `${prefix}${name}`, table: `${prefix}archive`, columns }) as const;
    return [
      {
        kind: "table",
        table: `${prefix}store`,
        parts: [
          `id ${smallId}`,
          `host ${text(HOST_BYTES)}`,
          `store ${text(STORE_BYTES)}`,
          `kind ${text(KIND_BYTES)}`,
          ...key("id"),
          "unique (host, store)",
        ],
      },
      {
        kind: "table",
        table: `${prefix}item`,
        parts: [
          "store_id smallint not null",
          `user_name ${text(NAME_BYTES)}`,
          `item_key ${text(NAME_BYTES)}`,
          `value ${traits.longText} not null`,
          "primary key (store_id, user_name, item_key)",
        ],
      },
      {
        kind: "index",
        index: `${prefix}item_by_key`,
        table: `${prefix}item`,
        columns: ["store_id", "item_key", "user_name"],
      },
      {
        kind: "table",
        table: `${prefix}archive`,
        parts: [
          `sort_id ${traits.identity}`,
          "store_id smallint not null",
          `user_name ${text(NAME_BYTES)}`,
          `item_key ${text(NAME_BYTES)}`,
          "at_us bigint not null",
          `peer ${text(NAME_BYTES)}`,
          `value ${traits.longText} not null`,
          ...key("sort_id"),
          "unique (store_id, user_name, item_key)",
        ],
      },
      index("archive_in_order", ["store_id", "user_name", "sort_id"]),
      index("archive_by_time", ["store_id", "user_name", "at_us"]),
      index("archive_by_peer", ["store_id", "user_name", "peer", "at_us"]),
      {
        kind: "table",
        table: `${prefix}lease`,
        parts: [
          `name ${text(NAME_BYTES)}`,
          `holder ${text(NAME_BYTES)}`,
          "expires_us bigint not null",
          "primary key (name)",
        ],
      },
    ];
  },
};
