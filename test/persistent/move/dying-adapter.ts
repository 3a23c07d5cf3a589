/** An adapter as a process sees it that is killed: after so many calls nothing answers any more. */
import type { Place, StoreAdapter } from "../../../src/persistent/contract/driver.ts";

/** What a killed process is told. */
export class Killed extends Error {}

/** Calls that are left to one process, whichever back end they go to. */
export class Life {
  #left: number;

  constructor(calls: number) {
    this.#left = calls;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#left < 0;
  }

  /** The back end as this process has it. Its data outlive the process. */
  of(adapter: StoreAdapter, isPersistent = true): StoreAdapter {
    return {
      name: adapter.name,
      capabilities: { ...adapter.capabilities, isPersistent },
      open: async () => undefined,
      close: async () => undefined,
      ping: (budget) => this.#call(() => adapter.ping(budget)),
      openRows: async (place: Place, budget) =>
        this.#mortal(await this.#call(() => adapter.openRows(place, budget))),
      openArchive: async (place: Place, budget) =>
        this.#mortal(await this.#call(() => adapter.openArchive(place, budget))),
      places: (host, budget) => this.#call(() => adapter.places(host, budget)),
      purge: (host, user, budget) => this.#call(() => adapter.purge(host, user, budget)),
    };
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    if (--this.#left < 0) throw new Killed("killed");
    return work();
  }

  #mortal<D extends object>(driver: D): D {
    return new Proxy(driver, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...given: unknown[]) => this.#call(() => Reflect.apply(member, target, given));
      },
    });
  }
}
