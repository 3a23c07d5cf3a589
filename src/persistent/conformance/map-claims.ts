/** What stores of the kinds `map` and `keyval+` promise. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { InvalidKeyError, InvalidValueError } from "../../errors.ts";
import type { StoreValue } from "../contract/store-value.ts";
import { DISTINCT_NAMES, SORTED_NAMES, sampleValues } from "./samples.ts";
import { type ConformanceClaim, collect, forEachOf } from "./trial.ts";

export const mapClaims: readonly ConformanceClaim[] = [
  {
    kind: "map",
    claim: "sets and deletes one key and leaves the others alone",
    async show(trial) {
      const store = await trial.map();
      await store.set("user", "a", 1);
      await store.set("user", "b", 2);
      await store.set("user", "a", undefined);
      await store.set("user", "never", undefined);
      strictEqual(await store.get("user", "a"), undefined);
      strictEqual(await store.get("user", "b"), 2);
      strictEqual(await store.get("other", "b"), undefined);
    },
  },
  {
    kind: "map",
    claim: "keeps apart keys that differ in case, accents, spaces or after 200 characters",
    async show(trial) {
      const store = await trial.map();
      await forEachOf(DISTINCT_NAMES, (key) => store.set("user", key, { of: key }));
      await forEachOf(DISTINCT_NAMES, async (key) => {
        deepStrictEqual(await store.get("user", key), { of: key });
      });
    },
  },
  {
    kind: "map",
    claim: "gives back values of every sort as they were",
    async show(trial) {
      const store = await trial.map();
      const values = sampleValues();
      const all = new Map(values.map((value, index) => [`k${index}`, value]));
      await store.setKeys("user", all);
      await forEachOf(values, async (value, index) => {
        deepStrictEqual(await store.get("user", `k${index}`), value);
      });
    },
  },
  {
    kind: "map",
    claim: "changes a thousand keys in one step, some set and some deleted",
    async show(trial) {
      const store = await trial.map();
      const whole = await trial.keyvalPlus();
      await store.setKeys(
        "user",
        numbered(1000, (index) => index),
      );
      await store.setKeys(
        "user",
        numbered(1000, (index) => (index % 2 ? undefined : -index)),
      );
      const found = await whole.get("user");
      strictEqual(found?.size, 500);
      strictEqual(found?.get("k0002"), -2);
      await store.setKeys("user", new Map());
      await store.setKeys(
        "user",
        numbered(1000, () => undefined),
      );
      strictEqual(await whole.get("user"), undefined);
    },
  },
  {
    kind: "map",
    claim: "changes no key if one of them cannot be changed",
    async show(trial) {
      const store = await trial.map();
      await store.set("user", "a", 1);
      const bad = new Map<string, StoreValue>([
        ["a", 2],
        ["b", "x\0"],
      ]);
      await rejects(store.setKeys("user", bad), InvalidValueError);
      await rejects(
        store.setKeys(
          "user",
          new Map([
            ["a", 3],
            ["", 4],
          ]),
        ),
        InvalidKeyError,
      );
      strictEqual(await store.get("user", "a"), 1);
    },
  },
  {
    kind: "map",
    claim: "shows no half of a setKeys to readers, and loses no key of another writer",
    async show(trial) {
      const store = await trial.map();
      const whole = await trial.keyvalPlus();
      const reads: Promise<ReadonlyMap<string, unknown> | undefined>[] = [];
      const rounds = Array.from({ length: 40 }, (_, round) => round);
      await forEachOf(rounds, async (round) => {
        const own: [string, number] = [`own-${round}`, round];
        await store.setKeys("user", new Map([["a", round], ["b", round], own]));
        reads.push(whole.get("user"));
      });
      for (const found of await Promise.all(reads)) strictEqual(found?.get("a"), found?.get("b"));
      strictEqual((await whole.get("user"))?.size, rounds.length + 2);
    },
  },
  {
    kind: "map",
    claim: "gets a key of all who have it, the host first, and deletes it of all",
    async show(trial) {
      const store = await trial.map();
      const many = Array.from(
        { length: 130 },
        (_, index) => `user-${String(index).padStart(4, "0")}`,
      );
      const users = [...DISTINCT_NAMES, ...many];
      await store.set(null, "key", "host");
      await forEachOf(users, (user) =>
        store.setKeys(
          user,
          new Map<string, StoreValue>([
            ["key", user],
            ["Key", 1],
          ]),
        ),
      );
      await store.set("without", "other", 1);
      const all = await collect(store.getAll("key"));
      deepStrictEqual(all[0], [null, "host"]);
      const rest = all.slice(1).map(([user]) => user);
      deepStrictEqual(
        rest.filter((user) => !user?.startsWith("user-")),
        SORTED_NAMES,
      );
      deepStrictEqual(
        rest.filter((user) => user?.startsWith("user-")),
        many,
      );
      for (const [user, value] of all.slice(1)) strictEqual(value, user);
      strictEqual(await store.deleteAll("key"), users.length + 1);
      strictEqual(await store.deleteAll("key"), 0);
      deepStrictEqual(await collect(store.getAll("key")), []);
      strictEqual(await store.get("case", "Key"), 1);
    },
  },
  {
    kind: "map",
    claim: "lists a user as long as a key is left",
    async show(trial) {
      const store = await trial.map();
      await store.setKeys(
        "b",
        numbered(2, () => 1),
      );
      await store.set("a", "k", 1);
      await store.set(null, "k", 1);
      deepStrictEqual(await collect(store.users()), ["a", "b"]);
      await store.set("b", "k0000", undefined);
      deepStrictEqual(await collect(store.users()), ["a", "b"]);
      await store.set("b", "k0001", undefined);
      deepStrictEqual(await collect(store.users()), ["a"]);
      await store.deleteAll("k");
      deepStrictEqual(await collect(store.users()), []);
    },
  },
  {
    kind: "keyval+",
    claim: "is the same rows as the map of its name",
    async show(trial) {
      const map = await trial.map();
      const store = await trial.keyvalPlus();
      await map.set("user", "a", 1);
      strictEqual(await store.getKey("user", "a"), 1);
      await store.setKey("user", "b", 2);
      await store.setKeys("user", new Map([["c", 3]]));
      strictEqual(await map.get("user", "b"), 2);
      deepStrictEqual(
        [...((await store.get("user")) ?? [])],
        [
          ["a", 1],
          ["b", 2],
          ["c", 3],
        ],
      );
      deepStrictEqual(await collect(store.getKeyFromAll("c")), [["user", 3]]);
      strictEqual(await store.deleteKeyFromAll("c"), 1);
      strictEqual(await map.get("user", "c"), undefined);
    },
  },
  {
    kind: "keyval+",
    claim: "gets all values with keys in the order of their bytes",
    async show(trial) {
      const store = await trial.keyvalPlus();
      await store.set(null, new Map(DISTINCT_NAMES.map((name) => [name, name])));
      const found = await store.get(null);
      deepStrictEqual([...(found?.keys() ?? [])], SORTED_NAMES);
      for (const [key, value] of found ?? []) strictEqual(value, key);
      strictEqual(await store.get("user"), undefined);
    },
  },
  {
    kind: "keyval+",
    claim: "replaces all values of a user, and only of that user",
    async show(trial) {
      const store = await trial.keyvalPlus();
      await store.set(
        "user",
        new Map([
          ["a", 1],
          ["b", 2],
        ]),
      );
      await store.set("other", new Map([["a", 3]]));
      await store.set(
        "user",
        new Map([
          ["b", 4],
          ["c", 5],
        ]),
      );
      deepStrictEqual(
        [...((await store.get("user")) ?? [])],
        [
          ["b", 4],
          ["c", 5],
        ],
      );
      await store.set("user", undefined);
      await store.set("nobody", new Map());
      strictEqual(await store.get("user"), undefined);
      deepStrictEqual([...((await store.get("other")) ?? [])], [["a", 3]]);
      deepStrictEqual(await collect(store.users()), ["other"]);
    },
  },
  {
    kind: "keyval+",
    claim: "shows readers the values of one writer, never a mixture",
    async show(trial) {
      const store = await trial.keyvalPlus();
      const reads: Promise<ReadonlyMap<string, unknown> | undefined>[] = [];
      const rounds = Array.from({ length: 30 }, (_, round) => round);
      await forEachOf(rounds, async (round) => {
        await store.set(
          "user",
          numbered(10 + (round % 3), () => round),
        );
        reads.push(store.get("user"));
      });
      reads.push(store.get("user"));
      for (const found of await Promise.all(reads)) {
        const [first] = found?.values() ?? [];
        strictEqual(new Set(found?.values()).size, 1);
        strictEqual(found?.size, 10 + (Number(first) % 3));
      }
    },
  },
];

function numbered<V>(count: number, value: (index: number) => V): Map<string, V> {
  return new Map(
    Array.from({ length: count }, (_, index) => [
      `k${String(index).padStart(4, "0")}`,
      value(index),
    ]),
  );
}
