/**
 * Writes behind the caller's back, in batches, and loses nothing: the queue has a limit that
 * pushes back, an outage is waited out, and an item that the store refuses fails alone.
 *
 * One batch is under way at a time: while it is, the next one fills, so that batches grow with
 * the load and with the latency of the store.
 */
import { NotRunningError, OverloadedError, UnavailableError } from "../../errors.ts";
import type { Timer } from "../../runtime.ts";
import { Groups } from "./groups.ts";
import {
  WRITE_BEHIND_LIMITS,
  type WriteBehindLimits,
  type WriteBehindOptions,
  type WriteBehindStatus,
} from "./options.ts";
import { RoomQueue } from "./room-queue.ts";

const RETRY_BASE_MS = 20;

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
  #waiting: Entry<T>[] = [];
  /** What was taken out of `#waiting` and is neither written nor refused. */
  #underWay: readonly Entry<T>[] = [];
  #bytes = 0;
  #linger: Timer | undefined;
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
   * Resolves when everything that was added before has been written or refused: of one group, or
   * of all. Nobody waits for the next batch to fill.
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
   * then handed to `onRefused`.
   * @throws UnavailableError, with how many were left
   */
  async stop(timeoutMs = 10_000): Promise<void> {
    this.#isStopped = true;
    this.#room.wakeAll();
    try {
      await this.sync(undefined, timeoutMs);
    } finally {
      this.#isAbandoned = true;
      this.#wake?.();
    }
  }

  status(): WriteBehindStatus {
    const oldest = this.#underWay[0] ?? this.#waiting[0];
    return {
      items: this.#count(),
      bytes: this.#bytes,
      written: this.#written,
      refused: this.#refused,
      batches: this.#batches,
      retries: this.#retries,
      oldestMs: oldest === undefined ? 0 : this.#options.clock.now() - oldest.since,
    };
  }

  #count(): number {
    return this.#waiting.length + this.#underWay.length;
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
    if (this.#isHurried || this.#waiting.length >= this.#limits.batchItems) {
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
      this.#underWay = this.#waiting.splice(0, this.#batchLength());
      await this.#write(this.#underWay);
      this.#room.wakeAll();
    } while (this.#waiting.length >= this.#limits.batchItems || this.#isHurriedOn());
    this.#isPumping = false;
    if (this.#waiting.length > 0) this.#begin();
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

  /** Writes a batch; one that is refused for an item of it is halved until that item is found. */
  async #write(batch: readonly Entry<T>[]): Promise<void> {
    const error = await this.#persist(batch);
    if (error === undefined) {
      this.#written += batch.length;
      this.#forget(batch);
      return;
    }
    if (batch.length === 1 || this.#isAbandoned) {
      this.#refused += batch.length;
      for (const { item } of batch) this.#options.onRefused(item, error.cause);
      this.#forget(batch);
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await this.#write(batch.slice(0, middle));
    await this.#write(batch.slice(middle));
  }

  /** Tries until the store has taken or refused the batch; gives the refusal. */
  async #persist(batch: readonly Entry<T>[]): Promise<{ readonly cause: unknown } | undefined> {
    const items = batch.map(({ item }) => item);
    for (let attempt = 0; ; attempt++) {
      this.#batches++;
      try {
        await this.#options.write(items);
        return undefined;
      } catch (error) {
        if (this.#isAbandoned || this.#options.isItemFault(error)) return { cause: error };
        this.#retries++;
        this.#options.log.warn(
          { queue: this.#options.name, items: items.length, attempt, error: String(error) },
          "a batch could not be written; it is kept and tried again",
        );
      }
      await this.#pause(attempt);
    }
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

  /** The batch is what is first of all that is under way. */
  #forget(batch: readonly Entry<T>[]): void {
    this.#underWay = this.#underWay.slice(batch.length);
    for (const { bytes, group } of batch) {
      this.#bytes -= bytes;
      this.#groups.leave(group);
    }
  }
}
