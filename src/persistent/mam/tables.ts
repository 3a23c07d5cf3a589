/** The tables of the message archives; migration 2 makes them. */
import { STORE_PREFIX } from "../migrations/store-migrations.ts";

/** The most bytes of an origin id: an index holds it together with an address. */
export const ORIGIN_ID_BYTES_MAX = 512;

/** The names of the tables. */
export interface MamTables {
  readonly archive: string;
  readonly message: string;
  readonly roomMessage: string;
  readonly preference: string;
}

/** The names under a prefix, by default that of all stores. */
export function mamTables(prefix: string = STORE_PREFIX): MamTables {
  return {
    archive: `${prefix}mam_archive`,
    message: `${prefix}mam_message`,
    roomMessage: `${prefix}mam_muc_message`,
    preference: `${prefix}mam_pref`,
  };
}
