/**
 * Message archives of users, or of rooms (XEP-0313): written behind the caller's back, in batches
 * and without loss; read in pages. A look-up waits for what this process has queued for the same
 * archive, so that everybody reads what they wrote.
 */
import { InvalidArgumentError, TooLargeError, UnsupportedError } from "../../errors.ts";
import type { Condition } from "../../sql/in-list.ts";
import { checkWhen } from "../contract/inputs.ts";
import type { WriteBehindStatus } from "../write-behind/options.ts";
import { checkOwner } from "./archive-names.ts";
import { ArchiveRemoval, checkBatch } from "./archive-removal.ts";
import { checkMessageId, firstIdAt, type MessageIds, microsOf } from "./message-ids.ts";
import { MessageQueue, type MessageQueueParts, type SetAsideMessage } from "./message-queue.ts";
import { MessageReader, notFound } from "./message-reader.ts";
import { REMOVAL_BATCH } from "./message-removal.ts";
import { checkOriginId, type RetractionAuthor } from "./message-shape.ts";
import type { AnyMessage, AnyMessageInput, ArchiveOwner, MessageFilter } from "./messages.ts";
import { checkPageRequest, type PageRequest, placePage, planPage, takePage } from "./paging.ts";
import type { ArchivePreferences } from "./preferences.ts";

/** The most ids of one look-up. */
export const IDS_MAX = 200;

/** What is looked up. */
export interface MessageLookup extends MessageFilter {
  readonly page?: PageRequest;
  /** Exactly these messages, at most 200; without page and filter. */
  readonly ids?: readonly bigint[];
  /** Nothing is counted: `total` and `offset` stay out. Default false. */
  readonly isSimple?: boolean;
  /** The newest message of the page first. Default false. */
  readonly isFlipped?: boolean;
}

/** One page. */
export interface MessagePage<Message> {
  /** In ascending order of ids, unless flipped. */
  readonly messages: readonly Message[];
  /** Nothing follows in the direction of the page. */
  readonly isComplete: boolean;
  /** How many the filter selects; undefined for simple look-ups. */
  readonly total: number | undefined;
  /** How many are in front of the page; undefined for simple look-ups and empty pages. */
  readonly offset: number | undefined;
}

export interface MessageArchiveParts<Input extends AnyMessageInput, Message extends AnyMessage>
  extends MessageQueueParts<Input, Message> {
  readonly ids: MessageIds;
  /** Removed with their user's archive. */
  readonly preferences: ArchivePreferences | undefined;
  readonly nowUs: () => bigint;
  readonly pageSize: number;
  readonly isSimple: boolean;
  readonly hasTextSearch: boolean;
}

/** See the head of this file. */
export class MessageArchive<Input extends AnyMessageInput, Message extends AnyMessage> {
  readonly #parts: MessageArchiveParts<Input, Message>;
  readonly #reader: MessageReader<Message>;
  readonly #removal: ArchiveRemoval;
  readonly #queue: MessageQueue<Input, Message>;

  constructor(parts: MessageArchiveParts<Input, Message>) {
    const { database, shape } = parts;
    this.#parts = parts;
    this.#reader = new MessageReader<Message>(database, shape);
    this.#removal = new ArchiveRemoval({ ...parts, table: shape.table });
    this.#queue = new MessageQueue(parts);
  }

  /**
   * Takes a message and gives its id. It is queued then, not written: `sync` waits for that, and
   * `isWritten` does so here.
   * @throws ConflictError with `isWritten`, if the id exists in this archive with another content;
   *   without it the refusal is logged, counted and told to `onRefused`
   * @throws UnavailableError with `isWritten`, if it was set aside: see `setAside`
   * @throws OverloadedError if the queue had no room for long
   */
  async add(
    owner: ArchiveOwner,
    message: Input,
    options: { readonly isWritten?: boolean } = {},
  ): Promise<bigint> {
    checkOwner(owner);
    const { ids, shape, tenure } = this.#parts;
    const values = shape.values(message);
    const begun = tenure.begin(owner.server);
    if (begun !== undefined) await begun;
    if (message.id !== undefined) ids.observe(message.id);
    const id = message.id ?? ids.next();
    await this.#queue.add({ owner, id, values }, options.isWritten === true);
    return id;
  }

  /**
   * Resolves when all that this process took is written: for one archive, or for all.
   * @throws UnavailableError with their ids while messages are set aside: see `setAside`
   */
  async sync(owner?: ArchiveOwner): Promise<void> {
    await this.#queue.sync(owner);
  }

  /**
   * Messages that the database refused again and again while it took others, for a reason that is
   * not known to be theirs (`queue.strikesMax`): of one archive, or of all. They were logged and
   * told to `onSetAside`, are kept in memory, and `stop` hands them to `onRefused`.
   */
  setAside(owner?: ArchiveOwner): readonly SetAsideMessage<Message>[] {
    return this.#queue.setAside(owner);
  }

  /** Puts what was set aside into the queue again, of one archive or of all. Gives how many. */
  async retrySetAside(owner?: ArchiveOwner): Promise<number> {
    return this.#queue.retrySetAside(owner);
  }

  /** Forgets what was set aside, of one archive or of all, and gives it. */
  dropSetAside(owner?: ArchiveOwner): readonly SetAsideMessage<Message>[] {
    return this.#queue.dropSetAside(owner);
  }

  /**
   * One page of an archive.
   * @throws NotFoundError if a message that the look-up names is not there
   */
  async find(owner: ArchiveOwner, lookup: MessageLookup = {}): Promise<MessagePage<Message>> {
    checkOwner(owner);
    const { pageSize, names, isSimple } = this.#parts;
    const { page = {}, ids } = lookup;
    if (ids !== undefined) return this.#findIds(owner, lookup, ids);
    checkPageRequest(page);
    const { span, where } = this.#select(lookup);
    const isCounted = !(lookup.isSimple ?? isSimple);
    const plan = planPage(span, page, { pageSize, isCounted });
    await this.#written(owner);
    const archive = await names.find(owner);
    const needed = [plan.reference, lookup.afterId, lookup.beforeId];
    if (archive === undefined) {
      const missing = needed.find((id) => id !== undefined);
      if (missing !== undefined) throw notFound(missing);
      return {
        messages: [],
        isComplete: true,
        total: isCounted ? 0 : undefined,
        offset: undefined,
      };
    }
    const taken = takePage(plan, await this.#reader.page(archive, plan, where));
    if (!taken.isReferenceMissing) needed[0] = undefined;
    await this.#reader.need(archive, needed);
    const counts = {
      before: await this.#reader.count(archive, taken.before, where),
      behind: await this.#reader.count(archive, taken.behind, where),
    };
    const placed = placePage(plan, taken, counts);
    const messages = this.#seen(taken.rows, lookup);
    if (isCounted) return { messages, ...placed };
    return { messages, isComplete: placed.isComplete, total: undefined, offset: undefined };
  }

  /** All that a filter selects, page by page, in ascending order. */
  async *iterate(
    owner: ArchiveOwner,
    filter: MessageFilter = {},
  ): AsyncGenerator<Message, void, undefined> {
    let page: PageRequest = {};
    for (;;) {
      const found = await this.find(owner, { ...filter, page, isSimple: true });
      yield* found.messages;
      const last = found.messages.at(-1);
      if (found.isComplete || last === undefined) return;
      page = { after: last.id };
    }
  }

  /**
   * All that a bare address said in any room, room by room: what somebody who asks for their data
   * has to be given. What this process has queued is written first.
   * @throws UnsupportedError for archives of users, whose messages are all their owner's
   */
  async *sentBy(
    sender: string,
  ): AsyncGenerator<{ readonly owner: ArchiveOwner; readonly message: Message }, void, undefined> {
    const { shape, names } = this.#parts;
    if (shape.kind !== "r") throw new UnsupportedError("archives of users have no senders");
    shape.author({ sender });
    await this.#written();
    let after = { archive: 0n, id: -1n };
    for (;;) {
      const at = { names: names.table, limit: IDS_MAX };
      const found = await this.#reader.sentBy(sender, after, at);
      for (const { owner, message } of found) yield { owner, message };
      const last = found.at(-1);
      if (last === undefined || found.length < IDS_MAX) return;
      after = { archive: last.archive, id: last.message.id };
    }
  }

  /** One message; undefined if there is none. */
  async get(owner: ArchiveOwner, id: bigint): Promise<Message | undefined> {
    checkMessageId("id", id);
    const found = await this.find(owner, { fromId: id, toId: id, isSimple: true });
    return found.messages[0];
  }

  /**
   * Makes a tombstone of the newest message of this author that has the id, or the origin id: its
   * packet is replaced, and text search finds it no more. Gives its id; undefined if there is
   * none. One that was retracted before stays as it is.
   */
  async retract(
    owner: ArchiveOwner,
    which: RetractionAuthor & ({ readonly id: bigint } | { readonly originId: string }),
    tombstone: (original: Message) => string,
  ): Promise<bigint | undefined> {
    checkOwner(owner);
    const { shape, names, database, nowUs, tenure } = this.#parts;
    const conditions: Condition[] = [...shape.author(which)];
    if ("id" in which) {
      checkMessageId("id", which.id);
      conditions.push({ text: "id = ?", params: [which.id] });
    } else {
      checkOriginId(which.originId);
      conditions.push({ text: "origin_id = ?", params: [which.originId] });
    }
    await this.#written(owner);
    const archive = await names.find(owner);
    if (archive === undefined) return undefined;
    return database.transact(async (tx) => {
      tenure.assertHeld(owner.server);
      const found = await this.#reader.newest(tx, archive, conditions);
      if (found === undefined || found.retractedAt !== undefined) return found?.id;
      await tx.execute(
        `update ${shape.table} set message = ?, search_body = null, retracted_us = ? ` +
          "where archive_id = ? and id = ? and retracted_us is null",
        [tombstone(found), nowUs(), archive, found.id],
      );
      return found.id;
    });
  }

  /** The first and the last message of an archive; undefined if it is empty. */
  async metadata(owner: ArchiveOwner) {
    checkOwner(owner);
    await this.#written(owner);
    const archive = await this.#parts.names.find(owner);
    const ends = archive === undefined ? undefined : await this.#reader.ends(archive);
    if (ends === undefined) return undefined;
    const [first, last] = ends.map((id) => ({ id, at: microsOf(id) }));
    return first === undefined || last === undefined ? undefined : { first, last };
  }

  /** How many messages an archive has. */
  async size(owner: ArchiveOwner): Promise<number> {
    const found = await this.find(owner, { page: { max: 0 } });
    return found.total ?? 0;
  }

  /**
   * Removes an archive with its preferences; resolves with the number of messages. What other
   * processes have queued for it comes after.
   */
  async remove(owner: ArchiveOwner, batch = REMOVAL_BATCH): Promise<number> {
    checkOwner(owner);
    checkBatch(batch);
    await this.#written(owner);
    this.#queue.dropSetAside(owner);
    return this.#removal.owner(owner, batch);
  }

  /** Removes all archives of a domain, one after the other; resolves with the number of messages. */
  async removeDomain(server: string, batch = REMOVAL_BATCH): Promise<number> {
    checkOwner({ server, name: "any" });
    checkBatch(batch);
    await this.#parts.tenure.hold(server);
    await this.#written();
    this.#queue.dropSetAsideOf(server);
    return this.#removal.domain(server, batch);
  }

  /** Removes what is older than this time, µs since 1970, of all archives or of one. */
  async expire(beforeUs: bigint, owner?: ArchiveOwner, batch = REMOVAL_BATCH): Promise<number> {
    checkWhen("beforeUs", beforeUs);
    checkBatch(batch);
    const below = firstIdAt(beforeUs);
    if (owner !== undefined) checkOwner(owner);
    await this.#written(owner);
    return this.#removal.below(below, owner, batch);
  }

  /** Figures of the queue. */
  status(): WriteBehindStatus {
    return this.#queue.status();
  }

  /** Writes what is queued, for `timeoutMs` at most, and takes no more. */
  async stop(timeoutMs?: number): Promise<void> {
    await this.#queue.stop(timeoutMs);
  }

  async #findIds(
    owner: ArchiveOwner,
    lookup: MessageLookup,
    ids: readonly bigint[],
  ): Promise<MessagePage<Message>> {
    const others = Object.entries(lookup).filter(([, value]) => value !== undefined);
    const extra = others.find(([name]) => !["ids", "isSimple", "isFlipped"].includes(name));
    if (extra !== undefined) {
      throw new InvalidArgumentError(`${extra[0]} is given with ids; allowed is ids alone`);
    }
    if (ids.length > IDS_MAX) {
      throw new TooLargeError(`${ids.length} ids are looked up; allowed are ${IDS_MAX}`);
    }
    for (const id of ids) checkMessageId("ids", id);
    await this.#written(owner);
    const archive = await this.#parts.names.find(owner);
    const [first] = ids;
    if (archive === undefined && first !== undefined) throw notFound(first);
    const rows =
      archive === undefined || ids.length === 0 ? [] : await this.#reader.all(archive, ids);
    const isCounted = !(lookup.isSimple ?? this.#parts.isSimple);
    return {
      messages: this.#seen(rows, lookup),
      isComplete: true,
      total: isCounted ? rows.length : undefined,
      offset: isCounted && rows.length > 0 ? 0 : undefined,
    };
  }

  #select(filter: MessageFilter) {
    if (filter.text !== undefined && !this.#parts.hasTextSearch) {
      throw new InvalidArgumentError("text is given, and text search is off for this archive");
    }
    return this.#reader.select(filter);
  }

  /** No id that is made here later is less than one that was read. */
  #seen(rows: readonly Message[], { isFlipped }: MessageLookup): readonly Message[] {
    const last = rows.at(-1);
    if (last !== undefined) this.#parts.ids.notice(last.id);
    return isFlipped === true ? rows.toReversed() : rows;
  }

  async #written(owner?: ArchiveOwner): Promise<void> {
    if (owner !== undefined) await this.#parts.tenure.hold(owner.server);
    await this.#queue.written(owner);
  }
}
