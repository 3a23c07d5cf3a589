/** The tables of the message archives, and the statements that make them. */
import type { SqlTraits } from "../../sql/dialect.ts";
import { HOST_BYTES_MAX, KEY_BYTES_MAX } from "../contract/inputs.ts";
import { BARE_BYTES_MAX, RESOURCE_BYTES_MAX } from "./address.ts";

/** The most bytes of an origin id: an index holds it together with an address. */
export const ORIGIN_ID_BYTES_MAX = 512;

/** The names of the tables. */
export interface MamTables {
  readonly archive: string;
  readonly message: string;
  readonly roomMessage: string;
  readonly preference: string;
}

/** The names under a prefix, by default "". */
export function mamTables(prefix = ""): MamTables {
  return {
    archive: `${prefix}mam_archive`,
    message: `${prefix}mam_message`,
    roomMessage: `${prefix}mam_muc_message`,
    preference: `${prefix}mam_pref`,
  };
}

/** The statements, in their order. All indexes of messages begin with the archive. */
export function mamTableStatements(traits: SqlTraits, prefix = ""): readonly string[] {
  const { archive, message, roomMessage, preference } = mamTables(prefix);
  const { identity, longText, createTableTail: tail } = traits;
  const text = (bytes: number) => `${traits.bytewiseText(bytes)} not null`;
  const primary = identity.includes("primary key") ? "" : ", primary key (id)";
  const content = `origin_id ${traits.bytewiseText(ORIGIN_ID_BYTES_MAX)}, message ${longText} not null,
      search_body ${longText}, retracted_us bigint`;
  return [
    `create table ${archive} (id ${identity}, kind ${text(1)}, server ${text(HOST_BYTES_MAX)},
      name ${text(KEY_BYTES_MAX)}, removed_us bigint${primary},
      constraint ${archive}_name unique (kind, server, name)) ${tail}`,
    `create table ${message} (archive_id bigint not null, id bigint not null,
      remote_bare ${text(BARE_BYTES_MAX)}, remote_res ${text(RESOURCE_BYTES_MAX)},
      from_jid ${text(BARE_BYTES_MAX + 1 + RESOURCE_BYTES_MAX)}, direction ${text(1)},
      is_groupchat smallint not null, ${content}, primary key (archive_id, id)) ${tail}`,
    `create index ${message}_remote on ${message} (archive_id, remote_bare, id)`,
    `create index ${message}_origin on ${message} (archive_id, remote_bare, origin_id)`,
    `create table ${roomMessage} (archive_id bigint not null, id bigint not null,
      nick ${text(KEY_BYTES_MAX)}, sender ${text(BARE_BYTES_MAX)}, ${content},
      primary key (archive_id, id)) ${tail}`,
    `create index ${roomMessage}_nick on ${roomMessage} (archive_id, nick, id)`,
    `create index ${roomMessage}_origin on ${roomMessage} (archive_id, sender, origin_id)`,
    `create index ${roomMessage}_sender on ${roomMessage} (sender, archive_id, id)`,
    `create table ${preference} (archive_id bigint not null, remote_jid ${text(BARE_BYTES_MAX)},
      behaviour ${text(1)}, primary key (archive_id, remote_jid)) ${tail}`,
  ];
}

/** For a PostgreSQL that has the extension pg_trgm: an index for text search. */
export function textSearchStatements(prefix = ""): readonly string[] {
  const { message, roomMessage } = mamTables(prefix);
  return [message, roomMessage].map(
    (table) =>
      `create index ${table}_search on ${table} using gin (search_body gin_trgm_ops)
       where search_body is not null`,
  );
}
