/** What the commands do with stores: list them, and copy them between back ends. */
import type { Place, StoreAdapter } from "../persistent/contract/driver.ts";
import {
  type CopiedPlace,
  type CopyOptions,
  type CopyProgress,
  copyStores,
} from "../persistent/move/copy.ts";
import { openByUrl } from "../persistent/move/open-by-url.ts";
import { isOwnPlace } from "../persistent/move/own-places.ts";
import { silentLog } from "../runtime.ts";
import { systemClock, systemRandom } from "./system.ts";

export type { CopiedPlace, CopyProgress } from "../persistent/move/copy.ts";
export { STORE_URLS } from "../persistent/move/open-by-url.ts";

const SURROUNDINGS = { clock: systemClock, random: systemRandom, log: silentLog };
const BUDGET = { timeoutMs: 30_000, signal: undefined };
const PAGE_USERS = 1_000;

/** A store and how many users have data in it. */
export interface ListedStore {
  readonly place: Place;
  readonly users: number;
}

/** The stores of a back end; `host`: of that one alone. */
export async function listStores(url: string, host: string | undefined): Promise<ListedStore[]> {
  return withStores(url, async ({ adapter }) => {
    const places = await adapter.places(host, BUDGET);
    const listed: ListedStore[] = [];
    for (const place of places.filter((each) => !isOwnPlace(each))) {
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
  readonly from: string;
  readonly to: string;
  /** `users`: how many the store has in the source. */
  readonly onProgress: (progress: CopyProgress, users: number) => void;
};

/** Copies between two back ends; see `copyStores`. */
export async function copyBetween(request: CopyRequest): Promise<readonly CopiedPlace[]> {
  const { from, to, onProgress, ...rest } = request;
  return withStores(from, (source) =>
    withStores(to, async (target) => {
      const users = new Map<string, number>();
      for (const place of await source.adapter.places(undefined, BUDGET)) {
        if (!isOwnPlace(place)) users.set(nameOf(place), await countUsers(source.adapter, place));
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

function nameOf({ host, store }: Place): string {
  return JSON.stringify([host, store]);
}

async function countUsers(adapter: StoreAdapter, place: Place): Promise<number> {
  const driver =
    place.kind === "archive"
      ? await adapter.openArchive(place, BUDGET)
      : await adapter.openRows(place, BUDGET);
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
  url: string,
  work: (opened: Awaited<ReturnType<typeof openByUrl>>) => Promise<T>,
): Promise<T> {
  const stores = await openByUrl(url, SURROUNDINGS);
  try {
    return await work(stores);
  } finally {
    await stores.adapter.close();
  }
}
