/**
 * The homes of all stores of a program: settles each one before it is opened, once, and tells
 * other processes for as long as the program lives that it uses the store there.
 */
import type { Clock, Log } from "../../runtime.ts";
import type { Budget, Place, StoreAdapter } from "../contract/driver.ts";
import { LeaseKeeper } from "../leases/lease-keeper.ts";
import { useName } from "./marks.ts";
import { nameOf } from "./own-places.ts";
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
  settle(place: Place, home: NamedAdapter, budget: Budget): Promise<Settled | undefined> {
    const name = nameOf(place);
    const known = this.#settled.get(name);
    if (known !== undefined) return known;
    const settling = this.#settle(place, home, budget);
    this.#settled.set(name, settling);
    settling.catch(() => this.#settled.delete(name));
    return settling;
  }

  /** Gives back every lease. */
  async close(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.stop()));
  }

  async #settle(place: Place, home: NamedAdapter, budget: Budget): Promise<Settled | undefined> {
    if (!canBeHome(home.adapter)) return undefined;
    const { connections, holder } = this.#options;
    // Before the look at the marks: who moves the store away marks it and then looks for users.
    await this.#keeper(home.adapter).take(useName(place, holder), nameOf(place), budget);
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
