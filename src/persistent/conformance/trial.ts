/** What a claim of the conformance suite is given: stores of names that nobody else has. */
import { randomBytes } from "node:crypto";
import type { Capabilities, StoreKind } from "../contract/capabilities.ts";
import type { StoreAdapter } from "../contract/driver.ts";
import type { ArchiveStore, KeyvalPlusStore, KeyvalStore, MapStore } from "../contract/kinds.ts";
import { StoreOpener } from "../fronts/open-store.ts";

/** The adapter that is tried. */
export interface ConformanceSubject {
  /** The adapter, open. After `restart`, the new one. */
  readonly adapter: StoreAdapter;
  /** Closes the adapter and opens another one on the same data; for those that are persistent. */
  readonly restart?: () => Promise<void>;
}

/** One claim about adapters, and how it is shown. */
export interface ConformanceClaim {
  readonly kind: StoreKind | "adapter";
  /** A sentence without its subject. */
  readonly claim: string;
  /** Why an adapter need not show it; undefined if it has to. */
  readonly exempt?: (capabilities: Capabilities) => string | undefined;
  /** Throws if the claim does not hold. */
  readonly show: (trial: Trial) => Promise<void>;
}

let made = 0;

/** Opens stores for one claim. */
export class Trial {
  /** A host of this trial alone. */
  readonly host = `trial-${++made}-${randomBytes(6).toString("hex")}.example`;
  readonly #subject: ConformanceSubject;

  constructor(subject: ConformanceSubject) {
    this.#subject = subject;
  }

  get adapter(): StoreAdapter {
    return this.#subject.adapter;
  }

  restart(): Promise<void> {
    if (this.#subject.restart === undefined) throw new TypeError("the subject has no restart");
    return this.#subject.restart();
  }

  keyval(name = "claim", host = this.host): Promise<KeyvalStore> {
    return new StoreOpener(this.adapter).keyval({ host, name });
  }

  map(name = "claim", host = this.host): Promise<MapStore> {
    return new StoreOpener(this.adapter).map({ host, name });
  }

  keyvalPlus(name = "claim", host = this.host): Promise<KeyvalPlusStore> {
    return new StoreOpener(this.adapter).keyvalPlus({ host, name });
  }

  archive(name = "claim", host = this.host): Promise<ArchiveStore> {
    return new StoreOpener(this.adapter).archive({ host, name });
  }
}

/** All that comes, with a limit. */
export async function collect<T>(source: AsyncIterable<T>, limit = 20_000): Promise<T[]> {
  const all: T[] = [];
  for await (const each of source) {
    if (all.push(each) > limit) throw new Error(`a listing of more than ${limit} does not end`);
  }
  return all;
}

/** Runs `act` for each, some at a time. */
export async function forEachOf<T>(
  all: readonly T[],
  act: (each: T, index: number) => Promise<unknown>,
  atOnce = 20,
): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce) {
    const slice = all.slice(from, from + atOnce);
    await Promise.all(slice.map((each, index) => act(each, from + index)));
  }
}
