/** What stores of kind `archive` promise: writing, changing, deleting. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import {
  InvalidArgumentError,
  InvalidValueError,
  NotFoundError,
  TooLargeError,
} from "../../errors.ts";
import type { ArchiveStore } from "../contract/kinds.ts";
import { DISTINCT_NAMES, SORTED_NAMES, sampleValues } from "./samples.ts";
import { type ConformanceClaim, collect, forEachOf } from "./trial.ts";

/** Quotas up to this one are filled up. */
const QUOTA_TRIED_MAX = 5000;

export const archiveClaims: readonly ConformanceClaim[] = [
  {
    kind: "archive",
    claim: "gives back values of every sort with their keys, times and correspondents",
    async show(trial) {
      const store = await trial.archive();
      const values = sampleValues();
      for (const [index, value] of values.entries()) {
        const item = {
          key: `k${index}`,
          when: 2n ** 53n + BigInt(index),
          with: `w${index}`,
          value,
        };
        strictEqual(await store.append("user", item), item.key);
        deepStrictEqual(await store.get("user", item.key), item);
      }
      const { items } = await store.find("user");
      deepStrictEqual(
        items.map((item) => item.value),
        values,
      );
    },
  },
  {
    kind: "archive",
    claim: "makes keys that differ and grow in the order of time",
    async show(trial) {
      const store = await trial.archive();
      const keys: string[] = [];
      for (let index = 0; index < 30; index++) {
        keys.push(await store.append("user", { when: 5n, value: index }));
      }
      deepStrictEqual(keys, [...new Set(keys)].sort());
      const { items } = await store.find("user");
      deepStrictEqual(
        items.map((item) => item.key),
        keys,
      );
      deepStrictEqual(items[0], { key: keys[0], when: 5n, with: "", value: 0 });
    },
  },
  {
    kind: "archive",
    claim: "keeps the order of insertion whatever the times are",
    async show(trial) {
      const store = await trial.archive();
      for (const when of [5n, 3n, 9n, 0n, 2n ** 63n - 1n, 3n]) {
        await store.append("user", { key: `at-${when}-${when === 3n}`, when, value: null });
      }
      strictEqual(
        await keysOf(store),
        "at-5-false at-9-false at-0-false at-9223372036854775807-false at-3-true",
      );
    },
  },
  {
    kind: "archive",
    claim: "moves an item whose key is appended again to the end, with all that is new",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c");
      await store.append("user", { key: "a", when: 9n, with: "w", value: "new" });
      strictEqual(await keysOf(store), "b c a");
      deepStrictEqual(await store.get("user", "a"), {
        key: "a",
        when: 9n,
        with: "w",
        value: "new",
      });
    },
  },
  {
    kind: "archive",
    claim: "appends a thousand items in one step and in their order",
    async show(trial) {
      const store = await trial.archive();
      const names = Array.from({ length: 999 }, (_, index) => `k${index}`);
      await append(store, "k5 first");
      const batch = [...names, "k7"].map((key, index) => ({
        key,
        when: BigInt(index),
        value: index,
      }));
      deepStrictEqual(await store.appendMany("user", batch), [...names, "k7"]);
      const found = await store.find("user", { limit: 10_000 });
      const expected = ["first", ...names.filter((name) => name !== "k7"), "k7"];
      deepStrictEqual(
        found.items.map((item) => item.key),
        expected,
      );
      strictEqual(found.items.at(-1)?.value, 999);
      deepStrictEqual(await store.appendMany("user", []), []);
    },
  },
  {
    kind: "archive",
    claim: "appends nothing if one item cannot be appended",
    async show(trial) {
      const store = await trial.archive();
      const good = { when: 1n, value: 1 };
      await rejects(store.appendMany("user", [good, { when: 1n, value: "\0" }]), InvalidValueError);
      await rejects(
        store.appendMany("user", [good, { when: -1n, value: 1 }]),
        InvalidArgumentError,
      );
      await rejects(store.append("user", { when: 2n ** 63n, value: 1 }), InvalidArgumentError);
      strictEqual(await keysOf(store), "");
    },
  },
  {
    kind: "archive",
    claim: "loses no item of several writers and keeps the order of each",
    async show(trial) {
      const store = await trial.archive();
      const writers = ["a", "b", "c", "d", "e"];
      await forEachOf(writers, async (writer) => {
        for (let index = 10; index < 30; index++) await append(store, `${writer}${index}`);
      });
      const found = await store.find("user", { limit: 10_000 });
      const keys = found.items.map((item) => item.key);
      strictEqual(keys.length, 100);
      for (const writer of writers) {
        const own = keys.filter((key) => key.startsWith(writer));
        deepStrictEqual(own, [...own].sort());
      }
    },
  },
  {
    kind: "archive",
    claim: "has one item of a key that several append at once",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "first");
      const rounds = Array.from({ length: 20 }, (_, round) => round);
      await forEachOf(rounds, (round) =>
        store.append("user", { key: "k", when: 1n, value: round }),
      );
      strictEqual(await keysOf(store), "first k");
    },
  },
  {
    kind: "archive",
    claim: "changes an item where it stands",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c");
      await store.append("user", { key: "d", when: 4n, with: "w", value: 1 });
      await store.set("user", "d", { value: 2 });
      deepStrictEqual(await store.get("user", "d"), { key: "d", when: 4n, with: "w", value: 2 });
      await store.set("user", "b", { value: "new", when: 2n ** 53n + 1n, with: "x" });
      const changed = { key: "b", when: 2n ** 53n + 1n, with: "x", value: "new" };
      deepStrictEqual(await store.get("user", "b"), changed);
      await store.set("user", "b", { value: 0, when: 0n, with: "" });
      deepStrictEqual(await store.get("user", "b"), { key: "b", when: 0n, with: "", value: 0 });
      strictEqual(await keysOf(store), "a b c d");
    },
  },
  {
    kind: "archive",
    claim: "says of an item that is not there that it is not there",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a");
      strictEqual(await store.get("user", "A"), undefined);
      strictEqual(await store.get("other", "a"), undefined);
      await rejects(store.set("user", "b", { value: 1 }), NotFoundError);
      await rejects(store.set("other", "a", { value: 1 }), NotFoundError);
      strictEqual(await keysOf(store), "a");
      strictEqual(await keysOf(store, "other"), "");
    },
  },
  {
    kind: "archive",
    claim: "keeps apart keys, correspondents and users that are hard to tell apart",
    async show(trial) {
      const store = await trial.archive();
      const items = DISTINCT_NAMES.map((key, index) => ({
        key,
        when: 1n,
        with: key,
        value: index,
      }));
      await store.appendMany("user", items);
      for (const [index, name] of DISTINCT_NAMES.entries()) {
        strictEqual((await store.get("user", name))?.value, index);
        const found = await store.find("user", { with: name });
        deepStrictEqual(
          found.items.map((item) => item.key),
          [name],
        );
      }
      await forEachOf(DISTINCT_NAMES, (user) => append(store, "k", user));
      await append(store, "k", null);
      deepStrictEqual(
        (await collect(store.users())).filter((user) => user !== "user"),
        SORTED_NAMES,
      );
    },
  },
  {
    kind: "archive",
    claim: "deletes what a filter selects and counts it",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c d e f g h");
      await store.append("user", { key: "w", when: 1n, with: "w", value: 0 });
      strictEqual(await store.delete("user", { with: "w" }), 1);
      strictEqual(await store.delete("user", { with: "w" }), 0);
      strictEqual(await store.delete("user", { key: "c" }), 1);
      strictEqual(await store.delete("user", { keys: ["a", "b", "zz", "a"] }), 2);
      strictEqual(await store.delete("user", { keys: [] }), 0);
      strictEqual(await store.delete("user", { start: 7n }), 2);
      strictEqual(await store.delete("user", { after: "d", before: "f" }), 1);
      strictEqual(await keysOf(store), "d f");
      await rejects(store.delete("user", { before: "g" }), NotFoundError);
      strictEqual(await store.delete("user"), 2);
      deepStrictEqual(await collect(store.users()), []);
      await append(store, "a");
      strictEqual(await keysOf(store), "a");
    },
  },
  {
    kind: "archive",
    claim: "truncates to the newest items",
    exempt: ({ truncate }) => (truncate ? undefined : "it has no truncate"),
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c d e");
      await append(store, "a");
      await append(store, "k", "other");
      strictEqual(await store.truncate("user", 9), 0);
      strictEqual(await store.truncate("user", 2), 3);
      strictEqual(await keysOf(store), "e a");
      strictEqual(await store.truncate("user", 0), 2);
      strictEqual(await store.truncate("nobody", 0), 0);
      deepStrictEqual(await collect(store.users()), ["other"]);
    },
  },
  {
    kind: "archive",
    claim: "refuses items over its quota and changes nothing",
    exempt: ({ archiveItemsMax: max }) =>
      max !== undefined && max <= QUOTA_TRIED_MAX ? undefined : "it has no quota, or a large one",
    async show(trial) {
      const store = await trial.archive();
      const max = trial.adapter.capabilities.archiveItemsMax ?? 0;
      for (let count = 1; count < max; count++) await append(store, `k${count}`);
      const two = ["x", "y"].map((key) => ({ key, when: 1n, value: 0 }));
      await rejects(store.appendMany("user", two), TooLargeError);
      await append(store, "x");
      await append(store, "x");
      await rejects(append(store, "y"), TooLargeError);
      const found = await store.find("user", { reverse: true, limit: 1, total: true });
      strictEqual(found.items[0]?.key, "x");
      strictEqual(found.total, max);
      ok((await store.get("user", "k1")) !== undefined);
    },
  },
];

/** Appends items of these keys, separated by spaces, at 1, 2, 3 … µs. */
export async function append(
  store: ArchiveStore,
  keys: string,
  user: string | null = "user",
): Promise<void> {
  const items = keys.split(" ").map((key, index) => ({ key, when: BigInt(index + 1), value: key }));
  await store.appendMany(user, items);
}

async function keysOf(store: ArchiveStore, user = "user"): Promise<string> {
  const { items } = await store.find(user);
  return items.map((item) => item.key).join(" ");
}
