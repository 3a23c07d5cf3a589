/** The model of `archive`: a list, and random calls on both. */
import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { NotFoundError } from "../../../src/errors.ts";
import { StoreOpener } from "../../../src/persistent/fronts/open-store.ts";
import type {
  ArchiveItem,
  ArchiveQuery,
  ArchiveStore,
  StoreAdapter,
  StoreValue,
  User,
} from "../../../src/persistent.ts";
import { storeValue } from "../contract/values.ts";

const USERS = [null, "romeo", "Romeo"] as const;
const user = fc.constantFrom<User>(...USERS);
const KEYS = ["k", "K", "k ", "é", `${"k".repeat(201)}a`, `${"k".repeat(201)}b`];
const key = fc.constantFrom(...KEYS);
const peer = fc.constantFrom("", "juliet", "Juliet", "juliet ");
const when = fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 6n });
const item = fc.record({ key, when, with: peer, value: storeValue }, { noNullPrototype: true });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 3 });

const filter = fc.record(
  {
    key,
    keys: fc.array(key, { maxLength: 4 }),
    with: peer,
    start: when,
    end: when,
    before: key,
    after: key,
  },
  { requiredKeys: [] },
);
const query: fc.Arbitrary<ArchiveQuery> = fc
  .tuple(
    filter,
    fc.record(
      { limit: fc.integer({ min: 0, max: 4 }), reverse: fc.boolean(), total: fc.boolean() },
      { requiredKeys: [] },
    ),
  )
  .map(([filter, rest]) => ({ ...filter, ...rest }));

type Item = ArchiveItem<StoreValue>;
type Change = { value: StoreValue; when: bigint | undefined; with: string | undefined };
type Call =
  | { kind: "append"; user: User; items: Item[] }
  | { kind: "find"; user: User; query: ArchiveQuery }
  | { kind: "set"; user: User; key: string; change: Change }
  | { kind: "delete"; user: User; filter: ArchiveQuery }
  | { kind: "summary"; user: User; filter: ArchiveQuery }
  | { kind: "truncate"; user: User; keep: number };

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      user,
      items: fc.array(item, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("find" as const), user, query }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      user,
      key,
      change: fc.record({ value: storeValue, when: maybe(when), with: maybe(peer) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), user, filter }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("summary" as const), user, filter }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("truncate" as const),
      user,
      keep: fc.integer({ min: 0, max: 4 }),
    }),
  },
);

let hosts = 0;

/** Random calls on the adapter and on plain arrays: each answer is the same. */
export async function archiveModel(adapter: StoreAdapter, rounds: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 4, maxLength: 14 }), async (calls) => {
      const host = `items-${process.pid}-${++hosts}.example`;
      const store = await new StoreOpener(adapter).archive<StoreValue>({ host, name: "items" });
      const model = new Model();
      for (const each of calls) {
        deepStrictEqual(
          await outcome(() => ask(store, each)),
          await outcome(() => model.ask(each)),
        );
      }
      for (const name of USERS) {
        deepStrictEqual((await store.find(name)).items, model.items(name));
      }
    }),
    { numRuns: rounds },
  );
}

async function ask(store: ArchiveStore, each: Call): Promise<unknown> {
  switch (each.kind) {
    case "append":
      return store.appendMany(each.user, each.items);
    case "find":
      return store.find(each.user, each.query);
    case "set": {
      const { value, when, with: peer } = each.change;
      const parts = {
        ...(when === undefined ? {} : { when }),
        ...(peer === undefined ? {} : { with: peer }),
      };
      return store.set(each.user, each.key, { value, ...parts });
    }
    case "delete":
      return store.delete(each.user, each.filter);
    case "summary":
      return new Map([...(await store.summary(each.user, each.filter))].sort());
    case "truncate":
      return store.truncate(each.user, each.keep);
  }
}

/** The answer, or the name of the error. */
async function outcome(act: () => unknown): Promise<unknown> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof NotFoundError) return "not found";
    throw error;
  }
}

/** Lists of items, and nothing clever. */
class Model {
  readonly #lists = new Map<User, Item[]>();

  items(user: User): Item[] {
    return this.#lists.get(user) ?? [];
  }

  ask(each: Call): unknown {
    const list = this.items(each.user);
    const keep = (left: Item[]) => this.#lists.set(each.user, left);
    switch (each.kind) {
      case "append":
        for (const item of each.items) {
          keep([...this.items(each.user).filter((other) => other.key !== item.key), item]);
        }
        return each.items.map((item) => item.key);
      case "find": {
        const { limit = 100, reverse = false, total, before, after, ...filter } = each.query;
        const found = select(list, each.query);
        if (reverse) found.reverse();
        const count = total ? { total: select(list, filter).length } : {};
        return { items: found.slice(0, limit), isLast: found.length <= limit, ...count };
      }
      case "set": {
        const index = list.findIndex((item) => item.key === each.key);
        const old = list[index];
        if (old === undefined) throw new NotFoundError("");
        const { value, when = old.when, with: peer = old.with } = each.change;
        keep(list.with(index, { key: each.key, when, with: peer, value }));
        return undefined;
      }
      case "delete": {
        const found = select(list, each.filter);
        keep(list.filter((item) => !found.includes(item)));
        return found.length;
      }
      case "summary": {
        const sums = new Map<string, { count: number; earliest: bigint; latest: bigint }>();
        for (const { with: peer, when } of select(list, each.filter)) {
          const { count, earliest, latest } = sums.get(peer) ?? {
            count: 0,
            earliest: when,
            latest: when,
          };
          const times = [earliest, latest, when].sort((a, b) => Number(a - b));
          sums.set(peer, {
            count: count + 1,
            earliest: times[0] ?? when,
            latest: times[2] ?? when,
          });
        }
        return new Map([...sums].sort());
      }
      case "truncate":
        keep(list.slice(Math.max(0, list.length - each.keep)));
        return list.length - this.items(each.user).length;
    }
  }
}

/** What the filter selects, in order. A page's end that is unknown is an error, unless no key can match. */
function select(list: readonly Item[], filter: ArchiveQuery): Item[] {
  const { key, keys, with: peer, start, end } = filter;
  const isEmpty =
    keys !== undefined && (keys.length === 0 || (key !== undefined && !keys.includes(key)));
  if (isEmpty) return [];
  const indexOf = (name: string | undefined, otherwise: number) => {
    if (name === undefined) return otherwise;
    const index = list.findIndex((item) => item.key === name);
    if (index < 0) throw new NotFoundError("");
    return index;
  };
  const after = indexOf(filter.after, -1);
  const before = indexOf(filter.before, list.length);
  return list.filter(
    (item, index) =>
      index > after &&
      index < before &&
      (key === undefined || item.key === key) &&
      (keys === undefined || keys.includes(item.key)) &&
      (peer === undefined || item.with === peer) &&
      (start === undefined || item.when >= start) &&
      (end === undefined || item.when <= end),
  );
}
