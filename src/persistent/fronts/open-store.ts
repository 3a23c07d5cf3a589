/** Opens one store of any kind on an adapter that is open. */
import { InvalidArgumentError, UnsupportedError } from "../../errors.ts";
import type { StoreKind } from "../contract/capabilities.ts";
import type { Budget, Place, PlaceKind, RowsDriver, StoreAdapter } from "../contract/driver.ts";
import { checkHost, checkStoreName, checkTimeout } from "../contract/inputs.ts";
import type {
  ArchiveStore,
  CallOptions,
  KeyvalPlusStore,
  KeyvalStore,
  MapStore,
} from "../contract/kinds.ts";
import { STORE_VALUE_BYTES_MAX } from "../contract/store-value.ts";
import { ArchiveFront } from "./archive-front.ts";
import { ArchiveKeys } from "./archive-keys.ts";
import { KeyvalFront } from "./keyval-front.ts";
import { KeyvalPlusFront, MapFront } from "./map-front.ts";
import { type FrontSettings, TIMEOUT_MS } from "./store-front.ts";

/** Which store, and how it is used. */
export interface StoreSettings extends CallOptions {
  readonly host: string;
  readonly name: string;
  /** Default of the time-out of the store's calls, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** The most bytes of an encoded value. Default 16 MiB. */
  readonly valueBytesMax?: number;
}

const PLACE_KINDS: Readonly<Record<StoreKind, PlaceKind>> = {
  keyval: "keyval",
  map: "map",
  "keyval+": "map",
  archive: "archive",
};
/** One for the process: its keys are greater from one to the next. */
let archiveKeys: ArchiveKeys | undefined;

/** Puts something in front of a driver, for example a cache. */
export type WrapRows = (rows: RowsDriver, place: Place) => RowsDriver;

/** Opens stores of one adapter. */
export class StoreOpener {
  readonly #adapter: StoreAdapter;
  readonly #wrap: WrapRows;

  constructor(adapter: StoreAdapter, wrap: WrapRows = (rows) => rows) {
    this.#adapter = adapter;
    this.#wrap = wrap;
  }

  async keyval<V>(settings: StoreSettings): Promise<KeyvalStore<V>> {
    const { front, place, budget } = this.#check(settings, "keyval");
    return new KeyvalFront<V>(front, await this.#openRows(place, budget));
  }

  async map<V>(settings: StoreSettings): Promise<MapStore<V>> {
    const { front, place, budget } = this.#check(settings, "map");
    return new MapFront<V>(front, await this.#openRows(place, budget));
  }

  async keyvalPlus<V>(settings: StoreSettings): Promise<KeyvalPlusStore<V>> {
    const { front, place, budget } = this.#check(settings, "keyval+");
    return new KeyvalPlusFront<V>(front, await this.#openRows(place, budget));
  }

  async archive<V>(settings: StoreSettings): Promise<ArchiveStore<V>> {
    const { front, place, budget } = this.#check(settings, "archive");
    const driver = await this.#adapter.openArchive(place, budget);
    archiveKeys ??= new ArchiveKeys();
    return new ArchiveFront<V>(front, driver, archiveKeys);
  }

  async #openRows(place: Place, budget: Budget): Promise<RowsDriver> {
    return this.#wrap(await this.#adapter.openRows(place, budget), place);
  }

  #check(settings: StoreSettings, kind: StoreKind) {
    const { host, name, timeoutMs = TIMEOUT_MS, signal } = settings;
    const valueBytesMax = settings.valueBytesMax ?? STORE_VALUE_BYTES_MAX;
    checkHost(host);
    checkStoreName(name);
    checkTimeout(timeoutMs);
    if (!Number.isInteger(valueBytesMax) || valueBytesMax < 1) {
      throw new InvalidArgumentError(
        `valueBytesMax is ${valueBytesMax}; allowed are integers above 0`,
      );
    }
    const { capabilities } = this.#adapter;
    if (!capabilities.kinds.includes(kind)) {
      throw new UnsupportedError(
        `the back end "${this.#adapter.name}" has no stores of kind "${kind}", which "${name}" is; ` +
          `it has ${capabilities.kinds.join(", ")}`,
      );
    }
    const front: FrontSettings = { host, name, kind, capabilities, timeoutMs, valueBytesMax };
    const place: Place = { host, store: name, kind: PLACE_KINDS[kind] };
    const budget: Budget = { timeoutMs, signal };
    return { front, place, budget };
  }
}
