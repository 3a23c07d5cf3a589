/**
 * Stores that are empty and stay so: for a server that shall not keep something. Reading finds
 * nothing, deleting succeeds, writing is refused with DisabledError. As Prosody's `none`.
 */
import { DisabledError } from "../../../errors.ts";
import type { Capabilities } from "../../contract/capabilities.ts";
import type { ArchiveDriver, Place, RowsDriver, StoreAdapter } from "../../contract/driver.ts";

/** An empty object, as it is stored. */
const EMPTY_OBJECT = "{}";

/** The adapter "none". */
export class NoneAdapter implements StoreAdapter {
  readonly name = "none";
  readonly capabilities: Capabilities = {
    kinds: ["keyval", "archive"],
    isPersistent: false,
    keepsNothing: true,
    isShared: false,
    users: false,
    total: true,
    truncate: true,
    summary: true,
    archiveItemsMax: undefined,
  };

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async ping(): Promise<void> {}

  async openRows(place: Place): Promise<RowsDriver> {
    return {
      read: async () => EMPTY_OBJECT,
      readUser: async () => new Map(),
      write: async () => refuse(place),
      replaceUser: async () => refuse(place),
      users: async () => [],
      readKey: async () => [],
      deleteKey: async () => 0,
    };
  }

  async openArchive(place: Place): Promise<ArchiveDriver> {
    return {
      append: async () => refuse(place),
      page: async () => [],
      count: async () => 0,
      // Any item may be asked for as the end of a page: every page is empty.
      position: async () => 0n,
      read: async () => undefined,
      update: async () => refuse(place),
      delete: async () => 0,
      truncate: async () => 0,
      summary: async () => new Map(),
      users: async () => [],
    };
  }

  async places(): Promise<readonly Place[]> {
    return [];
  }

  async purge(): Promise<void> {}
}

function refuse(place: Place): never {
  throw new DisabledError(
    `storage disabled: the back end of the store "${place.store}" of ${place.host} is "none"`,
  );
}
