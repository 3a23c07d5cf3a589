/**
 * Stores in the memory of this process: for tests, and for data that may be lost. Nothing is
 * shared and nothing survives. An archive has a quota for each user, as Prosody's has.
 */
import { InvalidOptionsError, NotRunningError } from "../../../errors.ts";
import { type Capabilities, EVERYTHING } from "../../contract/capabilities.ts";
import type { ArchiveDriver, Place, RowsDriver, StoreAdapter } from "../../contract/driver.ts";
import { PlaceKinds } from "../../indexes/place-kinds.ts";
import { MemoryArchive } from "./memory-archive.ts";
import { MemoryRows } from "./memory-rows.ts";

/** Options of the adapter "memory". */
export interface MemoryOptions {
  /** The most items of one user's archive. Default 1,000. */
  readonly archiveItemsMax?: number;
}

const ARCHIVE_ITEMS_MAX = 1000;

/** The adapter "memory". */
export class MemoryAdapter implements StoreAdapter {
  readonly name = "memory";
  readonly capabilities: Capabilities;
  readonly #places = new PlaceKinds<MemoryRows | MemoryArchive>();
  readonly #archiveItemsMax: number;
  #isClosed = false;

  /** @throws InvalidOptionsError */
  constructor(options: MemoryOptions = {}) {
    const max = options.archiveItemsMax ?? ARCHIVE_ITEMS_MAX;
    if (!Number.isSafeInteger(max) || max < 1) {
      throw new InvalidOptionsError("memory", [
        `archiveItemsMax is ${max}, allowed are integers above 0`,
      ]);
    }
    this.#archiveItemsMax = max;
    this.capabilities = {
      ...EVERYTHING,
      isPersistent: false,
      isShared: false,
      archiveItemsMax: max,
    };
  }

  async open(): Promise<void> {}

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#places.clear();
  }

  async ping(): Promise<void> {
    if (this.#isClosed) throw new NotRunningError("the stores in memory were closed");
  }

  async openRows(place: Place): Promise<RowsDriver> {
    await this.ping();
    const content = this.#places.open(place, () => new MemoryRows());
    if (content instanceof MemoryRows) return content;
    throw new TypeError("a place of rows is opened as an archive");
  }

  async openArchive(place: Place): Promise<ArchiveDriver> {
    await this.ping();
    const content = this.#places.open(place, () => new MemoryArchive(this.#archiveItemsMax));
    if (content instanceof MemoryArchive) return content;
    throw new TypeError("an archive is opened as a place of rows");
  }

  async places(host: string | undefined): Promise<readonly Place[]> {
    await this.ping();
    return [...this.#places.of(host)].map(({ place }) => place);
  }

  async purge(host: string, user: string): Promise<void> {
    await this.ping();
    for (const { content } of this.#places.of(host)) content.purge(user);
  }
}
