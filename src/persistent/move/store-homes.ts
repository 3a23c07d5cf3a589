/**
 * The homes of all stores of a program: settles each one before it is opened, once, and tells
 * other processes for as long as the program lives that it uses the store there.
 */
import type { Clock, Log } from "../../runtime.ts";
import type { Budget, StoreAdapter } from "../contract/driver.ts";
import { MovedAwayError } from "../contract/tenure.ts";
import { LeaseKeeper } from "../leases/lease-keeper.ts";
import { Marks, useName } from "./marks.ts";
import { keyOf, nameOf } from "./own-places.ts";
import type { AnyPlace } from "./place-kinds.ts";
import { canBeHome, type NamedAdapter, type Settled, settleStore } from "./settle.ts";

export interface StoreHomesOptions {
  /** All that are open. A store may be at home in any of them. */
  readonly connections: readonly NamedAdapter[];
  /** Names this process to others; unique to it. */
  readonly holder: string;
  /** False: a store that is at home elsewhere than configured is a ConflictError. */
  readonly mayMove: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

export class StoreHomes {
  readonly #options: StoreHomesOptions;
  readonly #keepers = new Map<StoreAdapter, LeaseKeeper>();
  readonly #settled = new Map<string, Promise<Settled | undefined>>();

  constructor(options: StoreHomesOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the store is where it is wanted; undefined for a back end that keeps nothing.
   * A failure is tried again at the next call.
   * @throws ConflictError: see `settleStore`
   */
  settle(place: AnyPlace, home: NamedAdapter, budget: Budget): Promise<Settled | undefined> {
    const key = keyOf(place);
    const known = this.#settled.get(key);
    if (known !== undefined) return known;
    const settling = this.#settle(place, home, budget);
    this.#settled.set(key, settling);
    settling.catch(() => this.#settled.delete(key));
    return settling;
  }

  /** The lease by which this process says that it uses a store. */
  leaseOf(place: AnyPlace): string {
    return useName(place, this.#options.holder);
  }

  /**
   * Whether this process has said without a gap since the store was settled that it uses it, and
   * will have for `leftMs` more: nobody else has moved it, or does.
   */
  isHeld({ adapter }: NamedAdapter, lease: string, leftMs: number): boolean {
    return this.#keepers.get(adapter)?.isHeld(lease, leftMs) ?? false;
  }

  /**
   * Says again, after a gap, that this process uses a store that was settled; moves nothing.
   * @throws MovedAwayError if the store is not at home there any more
   */
  async retake(place: AnyPlace, { connection, adapter }: NamedAdapter, budget: Budget) {
    const keeper = this.#keeper(adapter);
    const lease = this.leaseOf(place);
    await keeper.take(lease, nameOf(place), budget);
    // Behind the lease, as when a store is opened.
    const mark = await (await Marks.open(adapter, budget)).read(place);
    if (mark?.state === "home") return;
    await keeper.release(lease);
    throw new MovedAwayError(
      `${nameOf(place)} was moved from the connection "${connection}" by another process while ` +
        "this one had not said for 15 s that it uses it; start again with the configuration of now",
    );
  }

  /** Gives back every lease. */
  async close(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.stop()));
  }

  async #settle(place: AnyPlace, home: NamedAdapter, budget: Budget): Promise<Settled | undefined> {
    if (!canBeHome(home.adapter, place)) return undefined;
    const { connections } = this.#options;
    // Before the look at the marks: who moves the store away marks it and then looks for users.
    await this.#keeper(home.adapter).take(this.leaseOf(place), nameOf(place), budget);
    const others = connections.filter(({ adapter }) => adapter !== home.adapter);
    return settleStore({ ...this.#options, place, home, others, budget });
  }

  #keeper(adapter: StoreAdapter): LeaseKeeper {
    const known = this.#keepers.get(adapter);
    if (known !== undefined) return known;
    const keeper = new LeaseKeeper({ ...this.#options, leases: adapter.leases });
    this.#keepers.set(adapter, keeper);
    return keeper;
  }
}
