/** What adapters promise beside the kinds of stores. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { ConflictError, SkeinError } from "../../errors.ts";
import type { Capabilities } from "../contract/capabilities.ts";
import type { Budget, Place } from "../contract/driver.ts";
import { sampleValues } from "./samples.ts";
import { type ConformanceClaim, collect } from "./trial.ts";

const BUDGET: Budget = { timeoutMs: 10_000, signal: undefined };

export const adapterClaims: readonly ConformanceClaim[] = [
  {
    kind: "adapter",
    claim: "answers a ping",
    async show(trial) {
      await trial.adapter.ping(BUDGET);
    },
  },
  {
    kind: "adapter",
    claim: "refuses to open a store as another kind; map and keyval+ count as one",
    exempt: unlessOfAllKinds,
    async show(trial) {
      await trial.keyval("of-values");
      await trial.map("of-rows");
      await trial.keyvalPlus("of-rows");
      await trial.archive("of-items");
      await rejects(trial.map("of-values"), ConflictError);
      await rejects(trial.archive("of-values"), ConflictError);
      await rejects(trial.keyval("of-rows"), ConflictError);
      await rejects(trial.archive("of-rows"), ConflictError);
      await rejects(trial.keyval("of-items"), ConflictError);
      await rejects(trial.keyvalPlus("of-items"), ConflictError);
      await trial.keyval("of-values");
      await trial.keyval("of-rows", `x${trial.host}`);
    },
  },
  {
    kind: "adapter",
    claim: "lists the stores of a host with their kinds",
    exempt: unlessOfAllKinds,
    async show(trial) {
      await trial.archive("items");
      await trial.map("rows");
      await (await trial.keyval("values")).set("user", 1);
      await trial.keyval("elsewhere", `x${trial.host}`);
      const places = await trial.adapter.places(trial.host, BUDGET);
      deepStrictEqual(places.map(textOf).sort(), ["archive items", "keyval values", "map rows"]);
      const all = await trial.adapter.places(undefined, BUDGET);
      strictEqual(all.filter(({ host }) => host.endsWith(trial.host)).length, 4);
    },
  },
  {
    kind: "adapter",
    claim: "purges a user from all stores of one host and touches nobody else",
    exempt: unlessOfAllKinds,
    async show(trial) {
      const values = await trial.keyval("values");
      const rows = await trial.keyvalPlus("rows");
      const items = await trial.archive("items");
      const elsewhere = await trial.keyval("values", `x${trial.host}`);
      for (const user of ["user", "User", "user ", null]) {
        await values.set(user, 1);
        await rows.set(
          user,
          new Map([
            ["a", 1],
            ["b", 2],
          ]),
        );
        await items.append(user, { key: "k", when: 1n, value: 1 });
      }
      await elsewhere.set("user", 1);
      await trial.adapter.purge(trial.host, "user", BUDGET);
      strictEqual(await values.get("user"), undefined);
      strictEqual(await rows.get("user"), undefined);
      strictEqual(await items.get("user", "k"), undefined);
      for (const store of [values, rows, items]) {
        deepStrictEqual(await collect(store.users()), ["User", "user "]);
      }
      strictEqual(await values.get(null), 1);
      strictEqual((await rows.get(null))?.size, 2);
      strictEqual(await elsewhere.get("user"), 1);
      await trial.adapter.purge(trial.host, "never seen", BUDGET);
    },
  },
  {
    kind: "adapter",
    claim: "keeps everything over a restart, the order of archives and the kinds too",
    exempt: unlessPersistent,
    async show(trial) {
      const value = sampleValues();
      await (await trial.keyval("values")).set("user", value);
      await (await trial.map("rows")).setKeys(
        "user",
        new Map([
          ["a", 1],
          ["b", 2],
        ]),
      );
      const before = await trial.archive("items");
      for (const key of ["a", "b", "c"]) await before.append("user", { key, when: 7n, value: key });
      await before.append("user", { key: "a", when: 2n ** 53n + 1n, value: "again" });
      await before.set("user", "b", { value: "changed" });
      await trial.restart();
      deepStrictEqual(await (await trial.keyval("values")).get("user"), value);
      strictEqual(await (await trial.map("rows")).get("user", "b"), 2);
      const after = await trial.archive("items");
      await after.append("user", { key: "d", when: 1n, value: "d" });
      const { items } = await after.find("user");
      deepStrictEqual(
        items.map((item) => item.value),
        ["changed", "c", "again", "d"],
      );
      strictEqual(items[2]?.when, 2n ** 53n + 1n);
      await rejects(trial.map("values"), ConflictError);
      await rejects(trial.keyval("items"), ConflictError);
      const places = await trial.adapter.places(trial.host, BUDGET);
      deepStrictEqual(places.map(textOf).sort(), ["archive items", "keyval values", "map rows"]);
    },
  },
  {
    kind: "adapter",
    claim: "refuses calls on the stores of an adapter that was closed",
    exempt: unlessPersistent,
    async show(trial) {
      const values = await trial.keyval("values");
      const rows = await trial.map("rows");
      const items = await trial.archive("items");
      await trial.restart();
      await rejects(values.get("user"), SkeinError);
      await rejects(values.set("user", 1), SkeinError);
      await rejects(rows.get("user", "key"), SkeinError);
      await rejects(items.find("user"), SkeinError);
      await rejects(items.append("user", { when: 1n, value: 1 }), SkeinError);
      strictEqual(await (await trial.keyval("values")).get("user"), undefined);
    },
  },
];

function textOf({ kind, store }: Place): string {
  return `${kind} ${store}`;
}

function unlessPersistent(capabilities: Capabilities): string | undefined {
  return capabilities.isPersistent ? unlessOfAllKinds(capabilities) : "it is not persistent";
}

function unlessOfAllKinds({ kinds }: Capabilities): string | undefined {
  const missing = (["keyval", "map", "keyval+", "archive"] as const).filter(
    (kind) => !kinds.includes(kind),
  );
  return missing.length === 0 ? undefined : `it has no ${missing.join(", ")}`;
}
