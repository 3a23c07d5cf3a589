/**
 * The homes of one kind of typed rows on one connection, server by server: each is settled when it
 * is used for the first time, which may move it here, and asked for again after a gap.
 */
import { ConflictError, OverloadedError, UnavailableError } from "../../errors.ts";
import type { Budget } from "../contract/driver.ts";
import { MovedAwayError, type Tenure } from "../contract/tenure.ts";
import { nameOf } from "./own-places.ts";
import type { TypedPlace } from "./place-kinds.ts";
import type { NamedAdapter } from "./settle.ts";
import type { StoreHomes } from "./store-homes.ts";

/** What is begun has so long to reach the database before another process can move the rows, ms. */
const LEFT_MS = 5_000;
const SERVERS_MAX = 10_000;

export interface ServerHomesOptions {
  readonly homes: StoreHomes;
  readonly home: NamedAdapter;
  readonly store: TypedPlace["store"];
  readonly kind: TypedPlace["kind"];
  /** The name of the connection that the configuration chooses for a server; undefined: none. */
  readonly chosenFor: (server: string) => string | undefined;
  readonly budget: Budget;
  /** Servers of one process: each has a lease that is renewed. Default 10,000. */
  readonly serversMax?: number;
}

/** A server that was settled here. */
interface KnownServer {
  readonly place: TypedPlace;
  readonly lease: string;
  /** False once its rows were found to have moved away. */
  isHere: boolean;
}

/** See the head of this file. */
export class ServerHomes implements Tenure {
  readonly #options: ServerHomesOptions;
  readonly #servers = new Map<string, KnownServer>();
  /** Those about which the database is being asked. */
  readonly #asking = new Map<string, Promise<void>>();

  constructor(options: ServerHomesOptions) {
    this.#options = options;
  }

  begin(server: string): Promise<void> | undefined {
    return this.#servers.get(server)?.isHere === true ? undefined : this.hold(server);
  }

  hold(server: string): Promise<void> | undefined {
    const asking = this.#asking.get(server);
    if (asking !== undefined) return asking;
    if (this.#isHeld(server)) return undefined;
    const asked = this.#ask(server).finally(() => this.#asking.delete(server));
    this.#asking.set(server, asked);
    return asked;
  }

  assertHeld(server: string): void {
    if (!this.#asking.has(server) && this.#isHeld(server)) return;
    throw new UnavailableError(
      `the lease of ${nameOf(this.#place(server))} was not renewed in time; nothing was changed, ` +
        "try again",
    );
  }

  #isHeld(server: string): boolean {
    const { homes, home } = this.#options;
    const known = this.#servers.get(server);
    return known?.isHere === true && homes.isHeld(home, known.lease, LEFT_MS);
  }

  async #ask(server: string): Promise<void> {
    const { homes, home, budget, chosenFor, serversMax = SERVERS_MAX } = this.#options;
    const known = this.#servers.get(server);
    if (known !== undefined) return this.#askAgain(known);
    const place = this.#place(server);
    const chosen = chosenFor(server);
    if (chosen !== home.connection) {
      throw new ConflictError(
        `the configuration keeps ${nameOf(place)} on ` +
          `${chosen === undefined ? "no connection" : `the connection "${chosen}"`}, and this was ` +
          `opened on "${home.connection}"; open it with the option host: "${server}", or name ` +
          "the same connection for both",
      );
    }
    if (this.#servers.size >= serversMax) {
      throw new OverloadedError(
        `${nameOf(place)} would be of server ${serversMax + 1} of this process; allowed are ${serversMax}`,
      );
    }
    await homes.settle(place, home, budget);
    this.#servers.set(server, { place, lease: homes.leaseOf(place), isHere: true });
  }

  /** Whatever fails is no fault of what is to be written: that is kept, and tried again. */
  async #askAgain(known: KnownServer): Promise<void> {
    const { homes, home, budget } = this.#options;
    try {
      await homes.retake(known.place, home, budget);
      known.isHere = true;
    } catch (error) {
      if (error instanceof MovedAwayError) {
        known.isHere = false;
        throw error;
      }
      throw new UnavailableError(
        `whether ${nameOf(known.place)} is still on "${home.connection}" could not be asked`,
        { cause: error },
      );
    }
  }

  #place(host: string): TypedPlace {
    const { store, kind } = this.#options;
    return { host, store, kind };
  }
}
