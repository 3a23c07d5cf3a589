/**
 * Stores of every kind that refuse every call with DisabledError: for a host that has no storage,
 * where an empty answer would be a lie. As Prosody's `null`.
 */
import { DisabledError } from "../../../errors.ts";
import { type Capabilities, EVERYTHING } from "../../contract/capabilities.ts";
import type { ArchiveDriver, Place, RowsDriver, StoreAdapter } from "../../contract/driver.ts";

/** The adapter "null". */
export class NullAdapter implements StoreAdapter {
  readonly name = "null";
  readonly capabilities: Capabilities = {
    ...EVERYTHING,
    isPersistent: false,
    keepsNothing: true,
    isShared: false,
  };

  async open(): Promise<void> {}

  async close(): Promise<void> {}

  async ping(): Promise<void> {}

  async openRows(): Promise<RowsDriver> {
    return {
      read: refuse,
      readUser: refuse,
      write: refuse,
      replaceUser: refuse,
      users: refuse,
      readKey: refuse,
      deleteKey: refuse,
    };
  }

  async openArchive(): Promise<ArchiveDriver> {
    return {
      append: refuse,
      page: refuse,
      count: refuse,
      position: refuse,
      read: refuse,
      update: refuse,
      delete: refuse,
      truncate: refuse,
      summary: refuse,
      users: refuse,
    };
  }

  async places(): Promise<readonly Place[]> {
    return refuse();
  }

  async purge(): Promise<void> {
    return refuse();
  }
}

async function refuse(): Promise<never> {
  throw new DisabledError('no data storage active: the back end is "null"');
}
