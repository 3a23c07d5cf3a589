/**
 * Migration 2: message archives. All indexes of messages begin with the archive, but for one by
 * the sender, over all rooms. PostgreSQL gets an index for text search where the extension
 * pg_trgm is there, or can be made by this role.
 */
import type { Migration, MigrationStep } from "../../sql/migrations/migration.ts";

const NAME_BYTES = 1023;
const HOST_BYTES = 255;
const BARE_BYTES = 2047;
const FULL_BYTES = 3071;
const ORIGIN_BYTES = 512;

/** See the head of this file. */
export const messageTables: Migration = {
  version: 2,
  name: "messages",
  steps({ dialect, traits, prefix }) {
    const text = (bytes: number) => `${traits.bytewiseText(bytes)} not null`;
    const content = [
      `origin_id ${traits.bytewiseText(ORIGIN_BYTES)}`,
      `message ${traits.longText} not null`,
      `search_body ${traits.longText}`,
      "retracted_us bigint",
      "primary key (archive_id, id)",
    ];
    const head = ["archive_id bigint not null", "id bigint not null"];
    const table = (name: string, parts: readonly string[]) =>
      ({ kind: "table", table: `${prefix}${name}`, parts }) as const;
    const index = (name: string, of: string, columns: readonly string[]) =>
      ({ kind: "index", index: `${prefix}${name}`, table: `${prefix}${of}`, columns }) as const;
    return [
      table("mam_archive", [
        `id ${traits.identity}`,
        `kind ${text(1)}`,
        `server ${text(HOST_BYTES)}`,
        `name ${text(NAME_BYTES)}`,
        "removed_us bigint",
        ...(dialect === "sqlite" ? [] : ["primary key (id)"]),
        "unique (kind, server, name)",
      ]),
      table("mam_message", [
        ...head,
        `remote_bare ${text(BARE_BYTES)}`,
        `remote_res ${text(NAME_BYTES)}`,
        `from_jid ${text(FULL_BYTES)}`,
        `direction ${text(1)}`,
        "is_groupchat smallint not null",
        ...content,
      ]),
      index("mam_message_remote", "mam_message", ["archive_id", "remote_bare", "id"]),
      index("mam_message_origin", "mam_message", ["archive_id", "remote_bare", "origin_id"]),
      table("mam_muc_message", [
        ...head,
        `nick ${text(NAME_BYTES)}`,
        `sender ${text(BARE_BYTES)}`,
        ...content,
      ]),
      index("mam_muc_message_nick", "mam_muc_message", ["archive_id", "nick", "id"]),
      index("mam_muc_message_origin", "mam_muc_message", ["archive_id", "sender", "origin_id"]),
      index("mam_muc_message_sender", "mam_muc_message", ["sender", "archive_id", "id"]),
      table("mam_pref", [
        "archive_id bigint not null",
        `remote_jid ${text(BARE_BYTES)}`,
        `behaviour ${text(1)}`,
        "primary key (archive_id, remote_jid)",
      ]),
      ...(dialect === "postgres" ? [searchIndexes(prefix)] : []),
    ];
  },
};

/** The extension may be missing, or out of this role's reach: then search goes without. */
function searchIndexes(prefix: string): MigrationStep {
  const create = ["mam_message", "mam_muc_message"]
    .map(
      (table) =>
        `  create index if not exists ${prefix}${table}_search on ${prefix}${table}\n` +
        "    using gin (search_body gin_trgm_ops) where search_body is not null;\n",
    )
    .join("");
  const refusals = "insufficient_privilege or undefined_file or feature_not_supported";
  return {
    kind: "sql",
    text:
      "do $$ begin\n  create extension if not exists pg_trgm;\n" +
      `${create}exception when ${refusals} or undefined_object then\n` +
      "  raise notice 'text search goes without an index: %', sqlerrm;\nend $$",
  };
}
