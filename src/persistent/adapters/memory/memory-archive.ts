/** Archives in the memory of this process. */
import { TooLargeError } from "../../../errors.ts";
import type { ArchiveSummary } from "../../contract/archive-query.ts";
import type {
  ArchiveDriver,
  ArchiveRow,
  PlacedRow,
  Selection,
  SelectionPage,
  UserPage,
} from "../../contract/driver.ts";
import { ByteOrderedSet } from "../../indexes/byte-ordered-set.ts";
import { OrderedItems } from "../../indexes/ordered-items.ts";

/** The archives of one place. */
export class MemoryArchive implements ArchiveDriver {
  readonly #itemsMax: number;
  readonly #archives = new Map<string, OrderedItems<PlacedRow>>();
  readonly #users = new ByteOrderedSet();
  #position = 0n;

  constructor(itemsMax: number) {
    this.#itemsMax = itemsMax;
  }

  async append(user: string, rows: readonly ArchiveRow[]): Promise<void> {
    const items = this.#archives.get(user) ?? new OrderedItems<PlacedRow>();
    const added = new Set(rows.map((row) => row.key).filter((key) => items.get(key) === undefined));
    if (items.size + added.size > this.#itemsMax) {
      throw new TooLargeError(
        `an archive in memory holds at most ${this.#itemsMax} items of a user (archiveItemsMax)`,
      );
    }
    this.#archives.set(user, items);
    this.#users.add(user);
    for (const row of rows) items.append({ ...row, position: ++this.#position });
  }

  async page(user: string, page: SelectionPage): Promise<PlacedRow[]> {
    return this.#archives.get(user)?.select(page, page) ?? [];
  }

  async count(user: string, selection: Selection): Promise<number> {
    return this.#archives.get(user)?.select(selection).length ?? 0;
  }

  async position(user: string, key: string): Promise<bigint | undefined> {
    return this.#archives.get(user)?.get(key)?.position;
  }

  async read(user: string, key: string): Promise<PlacedRow | undefined> {
    return this.#archives.get(user)?.get(key);
  }

  async update(
    user: string,
    key: string,
    change: { value: string; when: bigint | undefined; with: string | undefined },
  ): Promise<boolean> {
    const items = this.#archives.get(user);
    const item = items?.get(key);
    if (items === undefined || item === undefined) return false;
    const { value, when = item.when, with: peer = item.with } = change;
    items.replace({ key, value, when, with: peer, position: item.position });
    return true;
  }

  async delete(user: string, selection: Selection): Promise<number> {
    return this.#remove(user, this.#archives.get(user)?.select(selection) ?? []);
  }

  async truncate(user: string, keep: number): Promise<number> {
    return this.#remove(user, this.#archives.get(user)?.beyond(keep) ?? []);
  }

  async summary(user: string, selection: Selection): Promise<Map<string, ArchiveSummary>> {
    return this.#archives.get(user)?.summary(selection) ?? new Map();
  }

  async users({ after, limit }: UserPage): Promise<readonly string[]> {
    return this.#users.page(after, limit);
  }

  /** Forgets all that the user has. */
  purge(user: string): void {
    this.#archives.delete(user);
    this.#users.delete(user);
  }

  #remove(user: string, rows: readonly PlacedRow[]): number {
    const items = this.#archives.get(user);
    if (items === undefined) return 0;
    for (const { key } of rows) items.remove(key);
    if (items.size === 0) this.purge(user);
    return rows.length;
  }
}
