/**
 * Archives in files: a log for each user that has items. Calls for one user are made one after
 * another. Which items there are is kept in memory for the users that were asked for last.
 */
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import type { Log } from "../../../runtime.ts";
import type { ArchiveSummary } from "../../contract/archive-query.ts";
import type {
  ArchiveDriver,
  ArchiveRow,
  Budget,
  PlacedRow,
  Selection,
  SelectionPage,
  UserPage,
} from "../../contract/driver.ts";
import type { ByteOrderedSet } from "../../indexes/byte-ordered-set.ts";
import { ArchiveLog, userOfLog } from "./archive-log.ts";
import { fileNameOf } from "./file-names.ts";
import { usersOf } from "./file-rows.ts";
import type { Turns } from "./turns.ts";

const ENDING = ".log";
/** What an archive weighs in memory beside its items, in items. */
const ARCHIVE_WEIGHT = 4;

/** What the archives of all places share. */
export interface ArchiveShare {
  readonly turns: Turns;
  readonly log: Log;
  /** Archives whose items are in memory, by path. */
  readonly loaded: LRUCache<string, ArchiveLog>;
}

/** Archives of which at most so many items are known in memory at a time. */
export function loadedArchives(itemsMax: number): LRUCache<string, ArchiveLog> {
  return new LRUCache<string, ArchiveLog>({
    maxSize: itemsMax,
    // One that is larger than all of it would not be kept, and be read at each call.
    sizeCalculation: ({ items }) => Math.min(items.size + ARCHIVE_WEIGHT, itemsMax),
  });
}

/** The archives of one place. */
export class FileArchive implements ArchiveDriver {
  readonly #folder: string;
  readonly #share: ArchiveShare;
  readonly #users: ByteOrderedSet;

  private constructor(folder: string, share: ArchiveShare, users: ByteOrderedSet) {
    this.#folder = folder;
    this.#share = share;
    this.#users = users;
  }

  static async open(folder: string, share: ArchiveShare): Promise<FileArchive> {
    return new FileArchive(folder, share, await usersOf(folder, ENDING, userOfLog));
  }

  append(user: string, rows: readonly ArchiveRow[], budget: Budget): Promise<void> {
    return this.#change(user, budget, (archive) => archive.append(rows));
  }

  page(user: string, page: SelectionPage, budget: Budget): Promise<PlacedRow[]> {
    return this.#look(user, budget, (archive) => archive.read(archive.items.select(page, page)));
  }

  count(user: string, selection: Selection, budget: Budget): Promise<number> {
    return this.#look(user, budget, async ({ items }) => items.select(selection).length);
  }

  position(user: string, key: string, budget: Budget): Promise<bigint | undefined> {
    return this.#look(user, budget, async ({ items }) => items.get(key)?.position);
  }

  read(user: string, key: string, budget: Budget): Promise<PlacedRow | undefined> {
    return this.#look(user, budget, async (archive) => {
      const item = archive.items.get(key);
      return item === undefined ? undefined : (await archive.read([item]))[0];
    });
  }

  update(
    user: string,
    key: string,
    change: { value: string; when: bigint | undefined; with: string | undefined },
    budget: Budget,
  ): Promise<boolean> {
    return this.#change(user, budget, async (archive) => {
      const item = archive.items.get(key);
      if (item === undefined) return false;
      const { value, when = item.when, with: peer = item.with } = change;
      await archive.set({ key, value, when, with: peer });
      return true;
    });
  }

  delete(user: string, selection: Selection, budget: Budget): Promise<number> {
    return this.#change(user, budget, async (archive) => {
      const found = archive.items.select(selection);
      await archive.delete(found.map(({ key }) => key));
      return found.length;
    });
  }

  truncate(user: string, keep: number, budget: Budget): Promise<number> {
    return this.#change(user, budget, async (archive) => {
      const found = archive.items.beyond(keep);
      await archive.delete(found.map(({ key }) => key));
      return found.length;
    });
  }

  summary(
    user: string,
    selection: Selection,
    budget: Budget,
  ): Promise<ReadonlyMap<string, ArchiveSummary>> {
    return this.#look(user, budget, async ({ items }) => items.summary(selection));
  }

  async users({ after, limit }: UserPage): Promise<readonly string[]> {
    return this.#users.page(after, limit);
  }

  /** Removes all that the user has. */
  async purge(user: string, budget: Budget): Promise<void> {
    await this.truncate(user, 0, budget);
  }

  #look<T>(user: string, budget: Budget, act: (log: ArchiveLog) => Promise<T>): Promise<T> {
    const path = this.#path(user);
    return this.#share.turns.run(path, budget, async () => act(await this.#load(path, user)));
  }

  #change<T>(user: string, budget: Budget, act: (log: ArchiveLog) => Promise<T>): Promise<T> {
    const { turns, loaded } = this.#share;
    const path = this.#path(user);
    return turns.run(path, budget, async () => {
      const archive = await this.#load(path, user);
      try {
        const result = await act(archive);
        if (archive.items.size > 0) this.#users.add(user);
        else this.#users.delete(user);
        // Its weight has changed.
        if (archive.isStale) loaded.delete(path);
        else loaded.set(path, archive);
        return result;
      } catch (error) {
        // What the file has now is not known: it is read again.
        loaded.delete(path);
        throw error;
      }
    });
  }

  async #load(path: string, user: string): Promise<ArchiveLog> {
    const { loaded, log } = this.#share;
    const known = loaded.get(path);
    if (known !== undefined) return known;
    const archive = await ArchiveLog.load(path, user, log);
    loaded.set(path, archive);
    return archive;
  }

  #path(user: string): string {
    return join(this.#folder, fileNameOf(user) + ENDING);
  }
}
