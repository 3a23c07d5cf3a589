/**
 * Writes behind the caller's back, in batches, and loses nothing: the queue has a limit that
 * pushes back, an outage is waited out, and an item that the store refuses fails alone. One that
 * is refused for no known reason, again and again while others pass, is set aside.
 *
 * One batch is under way at a time: while it is, the next one fills, so that batches grow with
 * the load and with the latency of the store.
 */
import { NotRunningError, OverloadedError, UnavailableError } from "../../errors.ts";
import type { Timer } from "../../runtime.ts";
import { type FailingItem, FailingItems } from "./failing-items.ts";
import { Groups } from "./groups.ts";
import {
  WRITE_BEHIND_LIMITS,
  type WriteBehindLimits,
  type WriteBehindOptions,
  type WriteBehindStatus,
} from "./options.ts";
import { RoomQueue } from "./room-queue.ts";
import { SetAside, type SetAsideItem } from "./set-aside.ts";

const RETRY_BASE_MS = 20;
/** Attempts at a batch before its items are tried one by one. */
const SUSPECT_AFTER = 2;
/** So many items fail, and none passes: it is the world. */
const APART_MAX = 16;

/** What became of a batch. */
type Outcome =
  | { readonly kind: "written" }
  | { readonly kind: "refused" | "suspect"; readonly cause: unknown };

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
  readonly group: string;
  readonly since: number;
}

export class WriteBehind<T> {
  readonly #options: WriteBehindOptions<T>;
  readonly #limits: WriteBehindLimits;
  readonly #groups = new Groups();
  readonly #room: RoomQueue;
  readonly #failing = new FailingItems<Entry<T>>();
  readonly #setAside: SetAside<T>;
  #waiting: Entry<T>[] = [];
  /** What was taken out of `#waiting` and is neither written nor refused. */
  #underWay: readonly Entry<T>[] = [];
  #bytes = 0;
  #linger: Timer | undefined;
  /** Ends when the next failing item is to be tried. */
  #retry: Timer | undefined;
  #isPumping = false;
  #isHurried = false;
  #isStopped = false;
  /** The time to stop is over: what the store does not take now is given up. */
  #isAbandoned = false;
  /** Ends the pause after an outage early. */
  #wake: (() => void) | undefined;
  #written = 0;
  #refused = 0;
  #batches = 0;
  #retries = 0;

  constructor(options: WriteBehindOptions<T>) {
    this.#options = options;
    this.#limits = { ...WRITE_BEHIND_LIMITS, ...options.limits };
    this.#room = new RoomQueue(options.clock, this.#limits.roomCallers);
    const { setAsideItems: items, queueBytes: bytes } = this.#limits;
    this.#setAside = new SetAside({ items, bytes });
  }

  /**
   * Takes an item; resolves when it is in the queue, at once if there is room.
   * @throws OverloadedError if there was no room for `roomMs`, or `roomCallers` wait for it
   * @throws NotRunningError after `stop`
   */
  async add(item: T): Promise<void> {
    const bytes = this.#options.sizeOf(item);
    const until = this.#options.clock.now() + this.#limits.roomMs;
    while (!this.#hasRoom(bytes)) {
      this.#refuseIfStopped();
      if (!(await this.#room.wait(until))) throw this.#overloaded();
    }
    this.#refuseIfStopped();
    const group = this.#options.groupOf(item);
    this.#waiting.push({ item, bytes, group, since: this.#options.clock.now() });
    this.#bytes += bytes;
    this.#groups.enter(group);
    this.#begin();
  }

  /**
   * Resolves when everything that was added before has been written, refused or set aside: of one
   * group, or of all. Nobody waits for the next batch to fill.
   * @throws UnavailableError if that took longer than `timeoutMs`
   */
  async sync(group?: string, timeoutMs = 30_000): Promise<void> {
    const settled = this.#groups.settled(group);
    if (settled === undefined) return;
    this.#hurry();
    let timer: Timer | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = this.#options.clock.after(timeoutMs, () => resolve(true));
    });
    const isLate = await Promise.race([settled.then(() => false), late]);
    timer?.cancel();
    if (!isLate) return;
    throw new UnavailableError(
      `${this.#options.name}: ${this.#count()} items were not written within ${timeoutMs} ms; ` +
        "they are kept and tried again",
    );
  }

  /**
   * Takes no more and writes what it has. What is left after `timeoutMs` is tried once more and
   * then handed to `onRefused`, and so is what was set aside.
   * @throws UnavailableError, with how many were left
   */
  async stop(timeoutMs = 10_000): Promise<void> {
    this.#isStopped = true;
    this.#room.wakeAll();
    let aside: readonly SetAsideItem<T>[] = [];
    try {
      await this.sync(undefined, timeoutMs);
    } finally {
      this.#isAbandoned = true;
      this.#wake?.();
      if (this.#failing.size > 0) this.#begin();
      aside = this.dropSetAside();
      for (const { item, error } of aside) this.#giveUp(item, error);
    }
    const [first] = aside;
    if (first === undefined) return;
    throw new UnavailableError(`${this.#options.name}: ${aside.length} items were set aside`, {
      cause: first.error,
    });
  }

  /** What was set aside and is still kept: of one group, or of all. */
  setAside(group?: string): readonly SetAsideItem<T>[] {
    return this.#setAside.list(group);
  }

  /** Puts what was set aside into the queue again, as `add` does. Gives how many. */
  async retrySetAside(group?: string): Promise<number> {
    let count = 0;
    for (const kept of this.#setAside.list(group)) {
      if (!this.#setAside.remove(kept)) continue;
      try {
        await this.add(kept.item);
        count++;
      } catch (error) {
        this.#setAside.put(kept);
        throw error;
      }
    }
    return count;
  }

  /** Forgets what was set aside, and gives it. */
  dropSetAside(group?: string): readonly SetAsideItem<T>[] {
    const dropped = this.#setAside.list(group);
    for (const kept of dropped) this.#setAside.remove(kept);
    return dropped;
  }

  status(): WriteBehindStatus {
    const oldest = this.#failing.oldest ?? this.#underWay[0] ?? this.#waiting[0];
    return {
      items: this.#count(),
      bytes: this.#bytes,
      written: this.#written,
      refused: this.#refused,
      failing: this.#failing.size,
      setAside: this.#setAside.size,
      batches: this.#batches,
      retries: this.#retries,
      oldestMs: oldest === undefined ? 0 : this.#options.clock.now() - oldest.since,
    };
  }

  #count(): number {
    return this.#waiting.length + this.#underWay.length + this.#failing.size;
  }

  /** A single item that is larger than the queue may come when the queue is empty. */
  #hasRoom(bytes: number): boolean {
    if (this.#count() === 0) return true;
    const { queueItems, queueBytes } = this.#limits;
    return this.#count() < queueItems && this.#bytes + bytes <= queueBytes;
  }

  #refuseIfStopped(): void {
    if (this.#isStopped) throw new NotRunningError(`${this.#options.name} has been stopped`);
  }

  #overloaded(): OverloadedError {
    const { name } = this.#options;
    return new OverloadedError(
      `${name}: ${this.#count()} items of ${this.#bytes} bytes wait to be written, and no room ` +
        `came free within ${this.#limits.roomMs} ms; allowed are ${this.#limits.queueItems} ` +
        `items of ${this.#limits.queueBytes} bytes`,
    );
  }

  #begin(): void {
    if (this.#isPumping) return;
    const isOver = this.#isAbandoned || this.#isHurried;
    if (isOver || this.#waiting.length >= this.#limits.batchItems) {
      this.#linger?.cancel();
      this.#linger = undefined;
      void this.#pump();
      return;
    }
    this.#linger ??= this.#options.clock.after(this.#limits.lingerMs, () => {
      this.#linger = undefined;
      if (!this.#isPumping) void this.#pump();
    });
  }

  #hurry(): void {
    this.#isHurried = true;
    this.#wake?.();
    this.#begin();
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    do {
      if (this.#failing.size > 0) await this.#tryFailing();
      this.#underWay = this.#waiting.splice(0, this.#batchLength());
      await this.#write(this.#underWay);
      this.#room.wakeAll();
    } while (this.#waiting.length >= this.#limits.batchItems || this.#isHurriedOn());
    this.#isPumping = false;
    if (this.#waiting.length > 0) this.#begin();
    this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    const { clock } = this.#options;
    const dueMs = this.#failing.dueMs;
    if (dueMs === undefined || this.#retry !== undefined) return;
    this.#retry = clock.after(Math.max(1, dueMs - clock.now()), () => {
      this.#retry = undefined;
      if (!this.#isPumping) void this.#pump();
    });
  }

  #batchLength(): number {
    const { batchItems, batchBytes } = this.#limits;
    const most = Math.min(batchItems, this.#waiting.length);
    let bytes = this.#waiting[0]?.bytes ?? 0;
    let length = 1;
    while (length < most) {
      bytes += this.#waiting[length]?.bytes ?? 0;
      if (bytes > batchBytes) break;
      length++;
    }
    return length;
  }

  /** Somebody still waits for what is in the queue. */
  #isHurriedOn(): boolean {
    if (this.#waiting.length === 0) this.#isHurried = false;
    return this.#isHurried;
  }

  /** Sees to it that each item of a batch is written, refused or tried again by itself. */
  async #write(batch: readonly Entry<T>[]): Promise<void> {
    let rest = batch;
    for (let round = 0; rest.length > 0; round++) {
      const outcome = await this.#persist(rest, round);
      if (outcome.kind === "written") {
        this.#written += rest.length;
        this.#forget(rest);
        return;
      }
      if (outcome.kind === "refused") return this.#refuse(rest, outcome.cause);
      const left = await this.#writeApart(rest, round, outcome.cause);
      if (left.length === rest.length) await this.#pause(round + SUSPECT_AFTER);
      rest = left;
    }
  }

  /** A batch that is refused for an item of it is halved until that item is found. */
  async #refuse(batch: readonly Entry<T>[], cause: unknown): Promise<void> {
    if (batch.length > 1 && !this.#isAbandoned) {
      const middle = Math.ceil(batch.length / 2);
      await this.#write(batch.slice(0, middle));
      return this.#write(batch.slice(middle));
    }
    for (const { item } of batch) this.#giveUp(item, cause);
    this.#forget(batch);
  }

  /** Tries until the store has taken or refused the batch, or may have refused it. */
  async #persist(batch: readonly Entry<T>[], from: number): Promise<Outcome> {
    const items = batch.map(({ item }) => item);
    for (let attempt = from; ; attempt++) {
      this.#batches++;
      try {
        await this.#options.write(items);
        return { kind: "written" };
      } catch (cause) {
        if (this.#isAbandoned || this.#options.isItemFault(cause)) {
          return { kind: "refused", cause };
        }
        this.#noteRetry(items.length, attempt, cause);
        if (attempt + 1 >= SUSPECT_AFTER && this.#isSuspect(cause)) {
          return { kind: "suspect", cause };
        }
      }
      await this.#pause(attempt);
    }
  }

  /**
   * Tries the items of a batch one by one. Those that fail while others pass are tried again
   * later, by themselves; gives those that are left, which may be all.
   */
  async #writeApart(
    batch: readonly Entry<T>[],
    round: number,
    cause: unknown,
  ): Promise<readonly Entry<T>[]> {
    const [alone] = batch;
    if (alone !== undefined && batch.length === 1) {
      this.#postpone(alone, 0);
      return [];
    }
    const passed = new Set<Entry<T>>();
    const failed = new Map<Entry<T>, unknown>();
    // Not always the same first: a run of bad ones does not hide those that pass.
    const start = round % 2 === 0 ? 0 : Math.floor(this.#options.random.float() * batch.length);
    for (const entry of [...batch.slice(start), ...batch.slice(0, start)]) {
      const error = await this.#tryOne(entry);
      if (error === undefined) passed.add(entry);
      else if (this.#options.isItemFault(error) || this.#isSuspect(error)) failed.set(entry, error);
      else break;
      if (this.#isAbandoned || (passed.size === 0 && failed.size >= APART_MAX)) break;
    }
    this.#noteRetry(failed.size, round + SUSPECT_AFTER, cause);
    const isWorld = passed.size === 0 && !(await this.#doesAnotherPass());
    let count = 0;
    for (const entry of batch) {
      const error = failed.get(entry);
      if (passed.has(entry)) {
        this.#written++;
        this.#forget([entry]);
      } else if (error !== undefined && this.#options.isItemFault(error)) {
        this.#giveUp(entry.item, error);
        this.#forget([entry]);
      } else if (error !== undefined && !isWorld) this.#postpone(entry, 1);
      // Nobody leaves before those in front of it; what was written comes again, without harm.
      else break;
      count++;
    }
    return batch.slice(count);
  }

  /** Tries one that waits; it is written once more in its turn, which does no harm. */
  async #doesAnotherPass(): Promise<boolean> {
    const at = Math.floor(this.#options.random.float() * this.#waiting.length);
    const other = this.#waiting[at];
    return other !== undefined && (await this.#tryOne(other)) === undefined;
  }

  async #tryOne({ item }: Entry<T>): Promise<unknown> {
    this.#batches++;
    try {
      await this.#options.write([item]);
      return undefined;
    } catch (error) {
      return error;
    }
  }

  /** It stays in the queue, out of its turn. */
  #postpone(entry: Entry<T>, strikes: number): void {
    this.#underWay = this.#underWay.filter((each) => each !== entry);
    this.#groups.hold(entry.group);
    const dueMs = this.#options.clock.now() + this.#limits.retryMaxMs;
    this.#failing.add({ entry, strikes, writtenThen: this.#written, dueMs });
  }

  /** Tries those that are due; once the time to stop is over, all of them for the last time. */
  async #tryFailing(): Promise<void> {
    const { clock, isItemFault } = this.#options;
    for (const failing of this.#failing.due(clock.now(), this.#isAbandoned)) {
      const error = await this.#tryOne(failing.entry);
      if (error === undefined) {
        this.#release(failing);
        this.#written++;
      } else if (this.#isAbandoned || isItemFault(error)) {
        this.#release(failing);
        this.#giveUp(failing.entry.item, error);
      } else {
        this.#noteRetry(1, failing.strikes, error);
        const isSuspect = this.#isSuspect(error);
        if (isSuspect && this.#written > failing.writtenThen) failing.strikes++;
        failing.writtenThen = this.#written;
        failing.dueMs = clock.now() + this.#limits.retryMaxMs;
        if (failing.strikes >= this.#limits.strikesMax) this.#putAside(failing, error);
        if (!isSuspect) return;
      }
    }
  }

  #putAside(failing: FailingItem<Entry<T>>, error: unknown): void {
    const { item, bytes, group } = failing.entry;
    if (!this.#setAside.put({ item, error, group, bytes })) return;
    this.#options.onSetAside?.(item, error);
    this.#release(failing);
  }

  /** A failing item has gone from the queue. */
  #release(failing: FailingItem<Entry<T>>): void {
    this.#failing.remove(failing);
    this.#bytes -= failing.entry.bytes;
    this.#groups.release(failing.entry.group);
  }

  #giveUp(item: T, error: unknown): void {
    this.#refused++;
    this.#options.onRefused(item, error);
  }

  #isSuspect(error: unknown): boolean {
    return this.#options.isSuspect?.(error) ?? false;
  }

  #noteRetry(items: number, attempt: number, error: unknown): void {
    this.#retries++;
    this.#options.log.warn(
      { queue: this.#options.name, items, attempt, error: String(error) },
      "a batch could not be written; it is kept and tried again",
    );
  }

  #pause(attempt: number): Promise<void> {
    const most = Math.min(this.#limits.retryMaxMs, RETRY_BASE_MS * 2 ** attempt);
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(most * (0.5 + this.#options.random.float() / 2), () =>
        this.#wake?.(),
      );
      this.#wake = () => {
        this.#wake = undefined;
        timer.cancel();
        resolve();
      };
    });
  }

  /** They have gone from the queue; in most cases they are the first of all. */
  #forget(batch: readonly Entry<T>[]): void {
    const isFirst = batch.every((entry, at) => this.#underWay[at] === entry);
    const gone = new Set(isFirst ? [] : batch);
    this.#underWay = isFirst
      ? this.#underWay.slice(batch.length)
      : this.#underWay.filter((entry) => !gone.has(entry));
    for (const { bytes, group } of batch) {
      this.#bytes -= bytes;
      this.#groups.leave(group);
    }
  }
}
