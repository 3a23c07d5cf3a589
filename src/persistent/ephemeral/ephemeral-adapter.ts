/**
 * A back end under a prefix that one process owns at a time: for processes that come and go with
 * empty disks and keep what they have in a database that others use as well. Who has the prefix
 * has its data; a lease says who that is. The same prefix in another database is another one.
 */
import { ConflictError, InvalidArgumentError, InvalidOptionsError } from "../../errors.ts";
import type { Clock, Log } from "../../runtime.ts";
import type { Capabilities } from "../contract/capabilities.ts";
import type { ArchiveDriver, Budget, Place, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { HOST_BYTES_MAX } from "../contract/inputs.ts";
import { LeaseKeeper } from "../leases/lease-keeper.ts";

/** The longest wait: an owner that was killed loses the prefix after 15 s; a live one is seen before that. */
const WAIT_MS = 20_000;
/** What a prefix may be. */
export const EPHEMERAL_PREFIX = /^[a-z0-9][a-z0-9_-]{2,62}$/;

export interface EphemeralOptions {
  /** Opened and closed with this one. */
  readonly adapter: StoreAdapter;
  /** 3 to 63 of a-z, 0-9, "_" and "-", not "_" or "-" first; unique in its database. */
  readonly prefix: string;
  /** Names this process to others that want the prefix. Unique to the process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class EphemeralAdapter implements StoreAdapter {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly #options: EphemeralOptions;
  readonly #lease: string;
  #keeper: LeaseKeeper | undefined;

  /** @throws InvalidOptionsError for a prefix that is none, or a back end that is not shared */
  constructor(options: EphemeralOptions) {
    const { adapter, prefix } = options;
    const faults: string[] = [];
    if (!EPHEMERAL_PREFIX.test(prefix)) {
      faults.push(
        `the prefix is ${JSON.stringify(prefix.slice(0, 70))}, allowed are 3 to 63 of a-z, 0-9, ` +
          '"_" and "-", a letter or digit first',
      );
    }
    if (!adapter.capabilities.isShared) {
      faults.push(
        `the back end "${adapter.name}" goes with its process or its disk; a prefix is for back ` +
          "ends that outlive them: sql or redis",
      );
    }
    if (faults.length > 0) throw new InvalidOptionsError("ephemeral stores", faults);
    this.name = adapter.name;
    this.capabilities = { ...adapter.capabilities, isShared: false };
    this.#options = options;
    this.#lease = `ephemeral ${prefix}`;
  }

  /** @throws ConflictError, with its name, if another process has the prefix */
  async open(budget: Budget): Promise<void> {
    const { adapter, prefix } = this.#options;
    await adapter.open(budget);
    const keeper = new LeaseKeeper({ ...this.#options, leases: adapter.leases });
    this.#keeper = keeper;
    try {
      const patience = { waitMs: WAIT_MS, refuseAlive: true };
      await keeper.take(this.#lease, `the prefix "${prefix}"`, budget, patience);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Gives the prefix back, at once. */
  async close(): Promise<void> {
    await this.#keeper?.stop();
    this.#keeper = undefined;
    await this.#options.adapter.close();
  }

  async ping(budget: Budget): Promise<void> {
    this.#assertOwned();
    await this.#options.adapter.ping(budget);
  }

  async openRows(place: Place, budget: Budget): Promise<RowsDriver> {
    this.#assertOwned();
    return this.#owned(await this.#options.adapter.openRows(this.#inside(place), budget));
  }

  async openArchive(place: Place, budget: Budget): Promise<ArchiveDriver> {
    this.#assertOwned();
    return this.#owned(await this.#options.adapter.openArchive(this.#inside(place), budget));
  }

  async places(host: string | undefined, budget: Budget): Promise<readonly Place[]> {
    this.#assertOwned();
    const inside = host === undefined ? undefined : this.#host(host);
    const places = await this.#options.adapter.places(inside, budget);
    const begin = this.#host("");
    const own = places.filter((place) => place.host.startsWith(begin));
    return own.map((place) => ({ ...place, host: place.host.slice(begin.length) }));
  }

  async purge(host: string, user: string, budget: Budget): Promise<void> {
    this.#assertOwned();
    await this.#options.adapter.purge(this.#host(host), user, budget);
  }

  /** @throws InvalidArgumentError if the two together are too long for a host */
  #host(host: string): string {
    const inside = `ephemeral:${this.#options.prefix}/${host}`;
    if (Buffer.byteLength(inside) <= HOST_BYTES_MAX) return inside;
    const left = HOST_BYTES_MAX - Buffer.byteLength(inside) + Buffer.byteLength(host);
    throw new InvalidArgumentError(
      `host has ${Buffer.byteLength(host)} bytes; under this prefix allowed are ${left}`,
    );
  }

  #inside(place: Place): Place {
    return { ...place, host: this.#host(place.host) };
  }

  /** Who was cut off from the back end for long may have lost the prefix to another. */
  #assertOwned(): void {
    if (this.#keeper === undefined) {
      throw new ConflictError(`the prefix "${this.#options.prefix}" is not held: not open`);
    }
    this.#keeper.assertHeld(this.#lease);
  }

  #owned<D extends object>(driver: D): D {
    return new Proxy(driver, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return async (...given: unknown[]) => {
          this.#assertOwned();
          return Reflect.apply(member, target, given);
        };
      },
    });
  }
}
