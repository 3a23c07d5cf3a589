/**
 * Stores in files of one folder, for one process: `file`, also known as `internal`. What a call
 * has acknowledged is on the disk. Folders: hosts, in them stores as "name@kind", in them a file
 * for each user.
 */
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { LRUCache } from "lru-cache";
import { InvalidOptionsError, NotRunningError, UnavailableError } from "../../../errors.ts";
import { type Log, silentLog } from "../../../runtime.ts";
import { type Capabilities, EVERYTHING } from "../../contract/capabilities.ts";
import {
  type ArchiveDriver,
  type Budget,
  PLACE_KINDS,
  type Place,
  type RowsDriver,
  type StoreAdapter,
} from "../../contract/driver.ts";
import { kindConflict } from "../../indexes/place-kinds.ts";
import type { ArchiveLog } from "./archive-log.ts";
import { makeFolder, onDisk, readWhole, writeWhole } from "./durable-files.ts";
import { FileArchive, loadedArchives } from "./file-archive.ts";
import { FileLock } from "./file-lock.ts";
import { folderNameOf } from "./file-names.ts";
import { FileRows } from "./file-rows.ts";
import { guarded } from "./guarded.ts";
import { Turns } from "./turns.ts";

/** Options of the adapter "file". */
export interface FileOptions {
  /** Where the files are; made if it is not there. One process at a time. */
  readonly folder: string;
  /** How this process is called when another one wants the folder. Default: its title. */
  readonly owner?: string;
  /** Items of archives that are known in memory, about 250 bytes each. Default 500,000. */
  readonly archiveItemsInMemory?: number;
  readonly log?: Log;
}

const ITEMS_IN_MEMORY = 500_000;
/** In each folder of a store: its place as JSON, for names that are too long for a folder. */
const PLACE_FILE = "place.json";

/** The adapter "file". */
export class FileAdapter implements StoreAdapter {
  readonly name = "file";
  readonly capabilities: Capabilities = {
    ...EVERYTHING,
    isPersistent: true,
    isShared: false,
  };
  readonly #folder: string;
  readonly #owner: string;
  readonly #log: Log;
  readonly #turns = new Turns();
  readonly #loaded: LRUCache<string, ArchiveLog>;
  /** Places by the path of their folder. */
  readonly #places = new Map<string, Place>();
  readonly #drivers = new Map<string, Promise<FileRows | FileArchive>>();
  #lock: FileLock | undefined;

  /** @throws InvalidOptionsError */
  constructor(options: FileOptions) {
    const { folder, archiveItemsInMemory: items = ITEMS_IN_MEMORY } = options;
    const faults: string[] = [];
    if (typeof folder !== "string" || folder === "") faults.push("folder is missing");
    if (!Number.isSafeInteger(items) || items < 1) {
      faults.push(`archiveItemsInMemory is ${items}, allowed are integers above 0`);
    }
    if (faults.length > 0) throw new InvalidOptionsError("file", faults);
    this.#folder = resolve(folder);
    this.#owner = options.owner ?? process.title;
    this.#log = options.log ?? silentLog;
    this.#loaded = loadedArchives(items);
  }

  async open(): Promise<void> {
    await makeFolder(this.#folder);
    this.#lock = await FileLock.take(this.#folder, this.#owner);
    try {
      for (const path of await foldersIn(this.#folder)) {
        for (const store of await foldersIn(path)) await this.#notePlace(store);
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await this.#turns.whenIdle();
    await lock?.release();
  }

  async ping(): Promise<void> {
    this.#check();
    await onDisk(`list ${this.#folder}`, () => readdir(this.#folder));
  }

  async openRows(place: Place): Promise<RowsDriver> {
    const driver = await this.#open(place);
    if (!(driver instanceof FileRows)) throw new TypeError("an archive is opened as rows");
    return guarded(driver, () => this.#check());
  }

  async openArchive(place: Place): Promise<ArchiveDriver> {
    const driver = await this.#open(place);
    if (!(driver instanceof FileArchive)) throw new TypeError("rows are opened as an archive");
    return guarded(driver, () => this.#check());
  }

  async places(host: string | undefined): Promise<readonly Place[]> {
    this.#check();
    return [...this.#places.values()].filter((place) => host === undefined || place.host === host);
  }

  async purge(host: string, user: string, budget: Budget): Promise<void> {
    for (const place of await this.places(host)) {
      await (await this.#open(place)).purge(user, budget);
    }
  }

  #open(place: Place): Promise<FileRows | FileArchive> {
    this.#check();
    for (const kind of PLACE_KINDS) {
      if (kind !== place.kind && this.#places.has(this.#path({ ...place, kind }))) {
        throw kindConflict(place, kind);
      }
    }
    const path = this.#path(place);
    // Known at once, so that nobody opens it as another kind meanwhile.
    this.#places.set(path, place);
    const known = this.#drivers.get(path);
    if (known !== undefined) return known;
    const driver = this.#make(path, place);
    this.#drivers.set(path, driver);
    driver.catch(() => this.#drivers.delete(path));
    return driver;
  }

  async #make(path: string, place: Place): Promise<FileRows | FileArchive> {
    await makeFolder(join(this.#folder, folderNameOf(place.host)));
    await makeFolder(path);
    const about = join(path, PLACE_FILE);
    if ((await readWhole(about)) === undefined) await writeWhole(about, JSON.stringify(place));
    if (place.kind !== "archive") return FileRows.open(path, this.#turns);
    return FileArchive.open(path, { turns: this.#turns, log: this.#log, loaded: this.#loaded });
  }

  async #notePlace(path: string): Promise<void> {
    const text = await readWhole(join(path, PLACE_FILE));
    // A folder that was made when the process died, and has nothing in it yet.
    if (text === undefined) return;
    const { host, store, kind }: Partial<Place> = JSON.parse(text);
    if (host === undefined || store === undefined || kind === undefined) {
      throw new UnavailableError(`the file ${join(path, PLACE_FILE)} is damaged`);
    }
    this.#places.set(this.#path({ host, store, kind }), { host, store, kind });
  }

  #path({ host, store, kind }: Place): string {
    return join(this.#folder, folderNameOf(host), `${folderNameOf(store)}@${kind}`);
  }

  #check(): void {
    if (this.#lock === undefined) throw new NotRunningError("the stores in files are not open");
  }
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await onDisk(`list ${path}`, () => readdir(path, { withFileTypes: true }));
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}
