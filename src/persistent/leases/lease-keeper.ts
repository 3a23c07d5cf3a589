/** Leases of one back end that this process holds: taken, renewed in time, given back. */
import { ConflictError, NotRunningError } from "../../errors.ts";
import type { Clock, Log, Timer } from "../../runtime.ts";
import type { Budget } from "../contract/driver.ts";
import type { Leases } from "../contract/leases.ts";

const TTL_MS = 15_000;
/** Renewed so often within its time. */
const RENEWALS = 3;
const ASK_AGAIN_MS = 500;
/** The end of a lease is known as exactly as the question for it took time. */
const SLACK_MS = 1_000;
const BUDGET: Budget = { timeoutMs: 5_000, signal: undefined };

export interface LeaseKeeperOptions {
  /** Undefined: one process alone can have the data, and every lease is granted. */
  readonly leases: Leases | undefined;
  /** Names this process, to others as well. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** What a process held that was killed comes free after so long, ms. Default 15,000. */
  readonly leaseMs?: number;
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  readonly #ttlMs: number;
  /** By name: until when it is surely held, by the monotonic clock; 0 once there was a gap. */
  readonly #held = new Map<string, number>();
  #timer: Timer | undefined;
  #isStopped = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.#ttlMs = options.leaseMs ?? TTL_MS;
  }

  /**
   * Takes a lease and renews it until it is given back; waits up to `waitMs` (default 0) for
   * somebody else who has it, with `refuseAlive` only until they are seen to renew it. `what`
   * names it in errors.
   * @throws ConflictError, with the holder's name, if that was not long enough
   * @throws NotRunningError if it was stopped meanwhile
   */
  async take(
    name: string,
    what: string,
    budget: Budget,
    { waitMs = 0, refuseAlive = false }: { waitMs?: number; refuseAlive?: boolean } = {},
  ): Promise<void> {
    const { leases, holder, clock } = this.#options;
    if (leases === undefined) return;
    const until = clock.now() + waitMs;
    let endsAt = Number.POSITIVE_INFINITY;
    while (true) {
      const since = clock.now();
      const lease = await leases.take(name, holder, this.#ttlMs, budget);
      if (lease.holder === holder) {
        this.#held.set(name, since + this.#ttlMs);
        if (!this.#isStopped) return this.#schedule();
        // Nobody would renew what came after the end, or give it back.
        await this.release(name);
        throw new NotRunningError(`${what} was to be held for work that has been stopped`);
      }
      // Whoever is alive moves the end of its lease.
      const isAlive = since + lease.leftMs > endsAt + SLACK_MS;
      endsAt = Math.min(endsAt, since + lease.leftMs);
      if (since >= until || (refuseAlive && isAlive)) {
        throw new ConflictError(
          `${what} is held by ${lease.holder}; it comes free when that stops, or at most ` +
            `${lease.leftMs} ms after it was killed`,
        );
      }
      await new Promise<void>((resolve) => clock.after(ASK_AGAIN_MS, resolve));
    }
  }

  /**
   * Whether the lease is surely held for `leftMs` more (default 0), without a gap since it was
   * taken: nobody else can have had it meanwhile.
   */
  isHeld(name: string, leftMs = 0): boolean {
    const { leases, clock } = this.#options;
    return leases === undefined || clock.now() + leftMs < (this.#held.get(name) ?? 0);
  }

  /**
   * Does nothing if the lease is surely held at this moment, without a gap since it was taken.
   * @throws ConflictError
   */
  assertHeld(name: string): void {
    if (this.isHeld(name)) return;
    throw new ConflictError(`the lease "${name}" was not renewed in time; nothing more was done`);
  }

  /** Gives one lease back. Never rejects: what cannot be given back runs out. */
  async release(name: string): Promise<void> {
    const { leases, holder, log } = this.#options;
    if (!this.#held.delete(name)) return;
    try {
      await leases?.release(name, holder, BUDGET);
    } catch (error) {
      log.warn({ lease: name, error: String(error) }, "a lease was not given back");
    }
  }

  /** Gives all of them back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    await Promise.all([...this.#held.keys()].map((name) => this.release(name)));
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer ??= this.#options.clock.after(this.#ttlMs / RENEWALS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { leases, holder, clock, log } = this.#options;
    for (const name of [...this.#held.keys()]) {
      try {
        const since = clock.now();
        const lease = await leases?.take(name, holder, this.#ttlMs, BUDGET);
        const until = this.#held.get(name);
        if (lease?.holder !== holder) {
          log.error({ lease: name, holder: lease?.holder }, "a lease was lost to another process");
          this.#held.set(name, 0);
        } else if (until === undefined) await leases?.release(name, holder, BUDGET);
        else if (clock.now() < until) this.#held.set(name, Math.max(until, since + this.#ttlMs));
        else if (until > 0) {
          // It goes on to be renewed, so that others see it, but somebody may have had it between.
          log.error({ lease: name }, "a lease was renewed too late");
          this.#held.set(name, 0);
        }
      } catch (error) {
        log.warn({ lease: name, error: String(error) }, "a lease could not be renewed");
      }
    }
    this.#timer = undefined;
    if (this.#held.size > 0) this.#schedule();
  }
}
