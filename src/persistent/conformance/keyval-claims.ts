/** What stores of kind `keyval` promise. */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { AbortedError, InvalidValueError, TooLargeError } from "../../errors.ts";
import { DISTINCT_NAMES, SORTED_NAMES, sampleValues } from "./samples.ts";
import { type ConformanceClaim, collect, forEachOf } from "./trial.ts";

export const keyvalClaims: readonly ConformanceClaim[] = [
  {
    kind: "keyval",
    claim: "gives back values of every sort as they were",
    async show(trial) {
      const store = await trial.keyval();
      for (const value of sampleValues()) {
        await store.set("user", value);
        deepStrictEqual(await store.get("user"), value);
      }
    },
  },
  {
    kind: "keyval",
    claim: "has nothing before the first set and after set to undefined",
    async show(trial) {
      const store = await trial.keyval();
      strictEqual(await store.get("user"), undefined);
      await store.set("user", undefined);
      await store.set("user", "there");
      await store.set("user", undefined);
      strictEqual(await store.get("user"), undefined);
      deepStrictEqual(await collect(store.users()), []);
    },
  },
  {
    kind: "keyval",
    claim: "keeps apart users that differ in case, accents, spaces or after 200 characters",
    async show(trial) {
      const store = await trial.keyval();
      await forEachOf(DISTINCT_NAMES, (user) => store.set(user, { of: user }));
      await forEachOf(DISTINCT_NAMES, async (user) => {
        deepStrictEqual(await store.get(user), { of: user });
      });
      await store.set("case", undefined);
      deepStrictEqual(await store.get("Case"), { of: "Case" });
    },
  },
  {
    kind: "keyval",
    claim: "lists users in the order of their bytes, page by page, without the host",
    async show(trial) {
      const store = await trial.keyval();
      const many = Array.from(
        { length: 520 },
        (_, index) => `user-${String(index).padStart(4, "0")}`,
      );
      await store.set(null, "the host's");
      await forEachOf([...DISTINCT_NAMES, ...many], (user) => store.set(user, 1));
      const listed = await collect(store.users());
      deepStrictEqual(
        listed.filter((user) => user.startsWith("user-")),
        many,
      );
      deepStrictEqual(
        listed.filter((user) => !user.startsWith("user-")),
        SORTED_NAMES,
      );
    },
  },
  {
    kind: "keyval",
    claim: "keeps the host's own value, other stores and other hosts apart",
    async show(trial) {
      const one = await trial.keyval();
      const other = await trial.keyval("claim2");
      const elsewhere = await trial.keyval("claim", `x${trial.host}`);
      const capital = await trial.keyval("claim", trial.host.toUpperCase());
      await one.set(null, "host");
      await one.set("user", "one");
      await other.set("user", "other");
      await elsewhere.set("user", "elsewhere");
      strictEqual(await capital.get("user"), undefined);
      strictEqual(await other.get(null), undefined);
      strictEqual(await one.get(null), "host");
      strictEqual(await one.get("user"), "one");
      strictEqual(await other.get("user"), "other");
      strictEqual(await elsewhere.get("user"), "elsewhere");
    },
  },
  {
    kind: "keyval",
    claim: "refuses what it cannot hold and changes nothing",
    async show(trial) {
      const store = await trial.keyval();
      await store.set("user", "before");
      await rejects(store.set("user", "a\0b"), InvalidValueError);
      await rejects(store.set("user", ["\ud800"]), InvalidValueError);
      await rejects(store.set("user", "x".repeat(16 * 1024 * 1024)), TooLargeError);
      await rejects(store.set("u".repeat(1024), 1), TooLargeError);
      strictEqual(await store.get("user"), "before");
    },
  },
  {
    kind: "keyval",
    claim: "holds the whole value of one of several writers at a time",
    async show(trial) {
      const store = await trial.keyval();
      const values = Array.from({ length: 16 }, (_, index) => String(index).repeat(20_000));
      const reads: Promise<unknown>[] = [];
      await forEachOf(values, async (value) => {
        await store.set("user", value);
        reads.push(store.get("user"));
      });
      for (const read of await Promise.all(reads)) ok(values.includes(String(read)));
      ok(values.includes(String(await store.get("user"))));
    },
  },
  {
    kind: "keyval",
    claim: "asks nothing when the caller's signal has fired",
    async show(trial) {
      const store = await trial.keyval();
      const signal = AbortSignal.abort();
      await rejects(store.set("user", 1, { signal }), AbortedError);
      await rejects(store.get("user", { signal }), AbortedError);
      strictEqual(await store.get("user"), undefined);
    },
  },
];
