/** What the commands do with stores: list them, and copy them between back ends. */
import type { StoreAdapter } from "../persistent/contract/driver.ts";
import {
  type CopiedPlace,
  type CopyOptions,
  type CopyProgress,
  copyStores,
} from "../persistent/move/copy.ts";
import { type NamedBackEnds, openBackEnd } from "../persistent/move/open-by-name.ts";
import type { OpenedStores } from "../persistent/move/open-by-url.ts";
import { isOwnPlace } from "../persistent/move/own-places.ts";
import { openPlace } from "../persistent/move/place-contents.ts";
import { type AnyPlace, isTyped } from "../persistent/move/place-kinds.ts";
import { typedPlaces } from "../persistent/move/typed-places.ts";
import { silentLog } from "../runtime.ts";
import { systemClock, systemRandom } from "./system.ts";

export type { CopiedPlace, CopyProgress } from "../persistent/move/copy.ts";
export { STORE_URLS } from "../persistent/move/open-by-url.ts";

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
const BUDGET = { timeoutMs: 30_000, signal: undefined };
const PAGE_USERS = 1_000;

/** A store and how many users have data in it. */
export interface ListedStore {
  readonly place: AnyPlace;
  readonly users: number;
}

/** Where the names of connections are looked up, if there is a configuration. */
export type NamedConnections = Omit<NamedBackEnds, "holder" | "adapters">;

/** The stores of a back end, by its URL or its name; `host`: of that one alone. */
export async function listStores(
  at: { readonly backEnd: string; readonly named: NamedConnections },
  host: string | undefined,
): Promise<ListedStore[]> {
  return withStores(at.backEnd, at.named, async ({ adapter }) => {
    const listed: ListedStore[] = [];
    for (const place of await placesOf(adapter, host)) {
      listed.push({ place, users: await countUsers(adapter, place) });
    }
    return listed;
  });
}

/** What a copy is told by a command. */
export type CopyRequest = Pick<
  CopyOptions,
  "hosts" | "stores" | "isDry" | "overwrite" | "signal"
> & {
  /** URLs or, with a configuration, names of connections. */
  readonly from: string;
  readonly to: string;
  readonly named: NamedConnections;
  /** `users`: how many the store has in the source. */
  readonly onProgress: (progress: CopyProgress, users: number) => void;
};

/** Copies between two back ends; see `copyStores`. */
export async function copyBetween(request: CopyRequest): Promise<readonly CopiedPlace[]> {
  const { from, to, named, onProgress, ...rest } = request;
  return withStores(from, named, (source) =>
    withStores(to, named, async (target) => {
      const users = new Map<string, number>();
      for (const place of await placesOf(source.adapter, undefined)) {
        users.set(nameOf(place), await countUsers(source.adapter, place));
      }
      return copyStores({
        ...rest,
        from: source.adapter,
        to: target.adapter,
        sourceName: source.subject,
        onProgress: (progress) => onProgress(progress, users.get(nameOf(progress.place)) ?? 0),
      });
    }),
  );
}

/** All but what moving keeps for itself; archives and rosters with tables of their own last. */
async function placesOf(
  adapter: StoreAdapter,
  host: string | undefined,
): Promise<readonly AnyPlace[]> {
  const places = await adapter.places(host, BUDGET);
  const typed = await typedPlaces(adapter, host);
  return [...places.filter((each) => !isOwnPlace(each)), ...typed];
}

/** Names a store beside its host, for people; of those with tables of their own the kind as well. */
export function labelOf(place: AnyPlace): string {
  return isTyped(place) ? `${place.store} (${place.kind})` : place.store;
}

function nameOf({ host, store, kind }: AnyPlace): string {
  return JSON.stringify([host, store, kind]);
}

async function countUsers(adapter: StoreAdapter, place: AnyPlace): Promise<number> {
  const driver = await openPlace(adapter, place, BUDGET);
  let users = 0;
  let after: string | undefined;
  while (true) {
    const page = await driver.users({ after, limit: PAGE_USERS }, BUDGET);
    users += page.length;
    if (page.length < PAGE_USERS) return users;
    after = page.at(-1);
  }
}

async function withStores<T>(
  given: string,
  named: NamedConnections,
  work: (opened: OpenedStores) => Promise<T>,
): Promise<T> {
  const holder = `skein store, process ${process.pid}`;
  const stores = await openBackEnd(given, { ...named, holder }, SURROUNDINGS);
  try {
    return await work(stores);
  } finally {
    await stores.adapter.close();
  }
}
