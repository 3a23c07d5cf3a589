/**
 * The queue of an archive's messages: taken now, written in batches, and none lost without a word.
 * What the database refuses is told, logged and, if nobody knows why, kept aside.
 */
import { UnavailableError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import type { SqlValue } from "../../sql/dialect.ts";
import { MovedAwayError, type Tenure } from "../contract/tenure.ts";
import type { WriteBehindLimits, WriteBehindStatus } from "../write-behind/options.ts";
import { WriteBehind } from "../write-behind/write-behind.ts";
import { type ArchiveNames, ownerKey } from "./archive-names.ts";
import { formatMessageId } from "./message-ids.ts";
import type { MessageShape } from "./message-shape.ts";
import { MessageWriter, type QueuedMessage } from "./message-writer.ts";
import type { AnyMessage, AnyMessageInput, ArchiveOwner } from "./messages.ts";
import { isFault, isRefusal } from "./write-faults.ts";

/** Ids that a message of an error names. */
const IDS_SHOWN = 10;
/** Bytes of a queued message beside its texts, about. */
const OVERHEAD_BYTES = 500;

/** A message that the database refuses for no known reason. */
export interface SetAsideMessage<Message> {
  readonly owner: ArchiveOwner;
  /** As it would have been stored. */
  readonly message: Message;
  /** What the database said last. */
  readonly error: unknown;
}

export interface MessageQueueParts<Input extends AnyMessageInput, Message extends AnyMessage> {
  readonly database: SqlDatabase;
  readonly shape: MessageShape<Input, Message>;
  readonly names: ArchiveNames;
  /** Whether the rows of a server are here. */
  readonly tenure: Tenure;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly queue: Partial<WriteBehindLimits>;
  readonly onRefused: (owner: ArchiveOwner, id: bigint, error: unknown) => void;
  readonly onSetAside: (owner: ArchiveOwner, id: bigint, error: unknown) => void;
}

/** See the head of this file. An owner that is left out stands for all archives. */
export class MessageQueue<Input extends AnyMessageInput, Message extends AnyMessage> {
  readonly #parts: MessageQueueParts<Input, Message>;
  readonly #queue: WriteBehind<QueuedMessage>;

  constructor(parts: MessageQueueParts<Input, Message>) {
    const { database, shape } = parts;
    this.#parts = parts;
    const writer = new MessageWriter(parts);
    this.#queue = new WriteBehind<QueuedMessage>({
      name: shape.table,
      write: (batch) => writer.write(batch),
      isItemFault: isFault,
      // Servers whose rows have moved away hold nobody else up.
      isSuspect: (error) => error instanceof MovedAwayError || isRefusal(error, database.traits),
      onSetAside: (item, error) => this.#putAside(item, error),
      onRefused: (item, error) => this.#refused(item, error),
      groupOf: ({ owner }) => ownerKey(owner),
      sizeOf,
      clock: parts.clock,
      random: parts.random,
      log: parts.log,
      limits: parts.queue,
    });
  }

  /**
   * Takes a message that was checked.
   * @throws what the archive's `add` says
   */
  async add(
    message: { readonly owner: ArchiveOwner; readonly id: bigint; readonly values: Values },
    isWritten: boolean,
  ): Promise<void> {
    const item: QueuedMessage = { ...message, refusal: undefined };
    await this.#queue.add(item);
    if (!isWritten) return;
    await this.written(item.owner);
    if (item.refusal !== undefined) throw item.refusal;
  }

  /** Resolves when nothing waits. What is set aside is not told: it would be with each look-up. */
  async written(owner?: ArchiveOwner): Promise<void> {
    await this.#queue.sync(groupOf(owner));
  }

  /** As `written`. @throws UnavailableError with their ids while messages are set aside */
  async sync(owner?: ArchiveOwner): Promise<void> {
    await this.written(owner);
    const aside = this.#queue.setAside(groupOf(owner));
    const [first] = aside;
    if (first === undefined) return;
    const shown = aside.slice(0, IDS_SHOWN).map(({ item }) => formatMessageId(item.id));
    const more = aside.length > shown.length ? ` and ${aside.length - shown.length} more` : "";
    throw new UnavailableError(
      `${this.#parts.shape.table}: ${aside.length} messages were set aside, as the database ` +
        `refused them while it took others: ${shown.join(", ")}${more}; see setAside()`,
      { cause: first.error },
    );
  }

  setAside(owner?: ArchiveOwner): readonly SetAsideMessage<Message>[] {
    const aside = this.#queue.setAside(groupOf(owner));
    return aside.map(({ item, error }) => this.#shownAside(item, error));
  }

  async retrySetAside(owner?: ArchiveOwner): Promise<number> {
    const group = groupOf(owner);
    for (const { item } of this.#queue.setAside(group)) item.refusal = undefined;
    return this.#queue.retrySetAside(group);
  }

  dropSetAside(owner?: ArchiveOwner): readonly SetAsideMessage<Message>[] {
    const dropped = this.#queue.dropSetAside(groupOf(owner));
    return dropped.map(({ item, error }) => this.#shownAside(item, error));
  }

  /** Forgets what was set aside of all archives of a server. */
  dropSetAsideOf(server: string): void {
    for (const { item } of this.#queue.setAside()) {
      if (item.owner.server === server) this.#queue.dropSetAside(ownerKey(item.owner));
    }
  }

  status(): WriteBehindStatus {
    return this.#queue.status();
  }

  async stop(timeoutMs?: number): Promise<void> {
    await this.#queue.stop(timeoutMs);
  }

  #shownAside({ owner, id, values }: QueuedMessage, error: unknown): SetAsideMessage<Message> {
    const { shape } = this.#parts;
    const row: Record<string, unknown> = { id, retracted_us: null };
    for (const [at, { name }] of shape.columns.slice(2).entries()) row[name] = values[at];
    return { owner, message: shape.messageOf(row), error };
  }

  #putAside(item: QueuedMessage, cause: unknown): void {
    const { log, onSetAside, shape } = this.#parts;
    const { owner, id } = item;
    item.refusal = new UnavailableError(
      `${shape.table}: the message ${formatMessageId(id)} was set aside: ${String(cause)}`,
      { cause },
    );
    log.error(
      { table: shape.table, archive: ownerKey(owner), id, error: String(cause) },
      "a message was set aside, as the database refuses it while it takes others",
    );
    onSetAside(owner, id, cause);
  }

  #refused(item: QueuedMessage, error: unknown): void {
    item.refusal = error;
    const { log, onRefused, shape } = this.#parts;
    log.error(
      { table: shape.table, archive: ownerKey(item.owner), id: item.id, error: String(error) },
      "a message was refused by the archive",
    );
    onRefused(item.owner, item.id, error);
  }
}

type Values = readonly SqlValue[];

/** The queue's name of an archive; of all without one. */
function groupOf(owner: ArchiveOwner | undefined): string | undefined {
  return owner === undefined ? undefined : ownerKey(owner);
}

function sizeOf({ values }: QueuedMessage): number {
  let bytes = OVERHEAD_BYTES;
  for (const value of values) if (typeof value === "string") bytes += value.length;
  return bytes;
}
