/**
 * Removes archives with their preferences, and messages by their age. The caller has seen to what
 * is still queued.
 */
import { InvalidArgumentError } from "../../errors.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import type { Tenure } from "../contract/tenure.ts";
import { type ArchiveNames, FORGOTTEN_US } from "./archive-names.ts";
import { MessageRemoval, REMOVAL_BATCH } from "./message-removal.ts";
import type { ArchiveOwner } from "./messages.ts";
import type { ArchivePreferences } from "./preferences.ts";

export interface ArchiveRemovalOptions {
  readonly database: SqlDatabase;
  /** The table of the messages. */
  readonly table: string;
  readonly names: ArchiveNames;
  /** Removed with their user's archive. */
  readonly preferences: ArchivePreferences | undefined;
  readonly nowUs: () => bigint;
  readonly tenure: Tenure;
}

/** See the head of this file. */
export class ArchiveRemoval {
  readonly #options: ArchiveRemovalOptions;
  readonly #messages: MessageRemoval;

  constructor(options: ArchiveRemovalOptions) {
    this.#options = options;
    this.#messages = new MessageRemoval(options.database, options.table);
  }

  /** Removes one archive; gives the number of messages. */
  async owner(owner: ArchiveOwner, batch: number): Promise<number> {
    const archive = await this.#options.names.find(owner);
    return archive === undefined ? 0 : this.#remove(owner, archive, batch);
  }

  /** Removes all archives of a server, one after the other. */
  async domain(server: string, batch: number): Promise<number> {
    const { names } = this.#options;
    let removed = 0;
    for (let after = 0n; ; ) {
      const page = await names.page(server, after, REMOVAL_BATCH);
      for (const { id, name } of page) {
        removed += await this.#remove({ server, name }, id, batch);
        after = id;
      }
      if (page.length < REMOVAL_BATCH) return removed;
    }
  }

  /** Removes what is below an id: of one archive, or of all. */
  async below(id: bigint, owner: ArchiveOwner | undefined, batch: number): Promise<number> {
    if (owner === undefined) {
      const removed = await this.#messages.belowEverywhere(id, batch);
      await this.#sweep();
      return removed;
    }
    const archive = await this.#options.names.find(owner);
    return archive === undefined ? 0 : this.#messages.below(archive, id, batch);
  }

  async #remove(owner: ArchiveOwner, archive: bigint, batch: number): Promise<number> {
    const { names, preferences, nowUs, tenure } = this.#options;
    await names.mark(owner, archive, nowUs());
    await preferences?.removeOf(archive);
    const removed = await this.#messages.below(archive, undefined, batch);
    // What was moved away meanwhile was not removed where it went.
    await tenure.hold(owner.server);
    return removed;
  }

  /** Lets the names of archives go that were removed so long ago that nobody knows them. */
  async #sweep(): Promise<void> {
    const { names, nowUs, preferences } = this.#options;
    const before = nowUs() - FORGOTTEN_US;
    for (const id of await names.markedBefore(before, REMOVAL_BATCH)) {
      const isInUse = (await this.#messages.has(id)) || ((await preferences?.has(id)) ?? false);
      await names.settle(id, isInUse, before);
    }
  }
}

/** @throws InvalidArgumentError */
export function checkBatch(batch: number): void {
  if (Number.isInteger(batch) && batch >= 1 && batch <= 100_000) return;
  throw new InvalidArgumentError(`batch is ${batch}; allowed are integers from 1 to 100000`);
}
