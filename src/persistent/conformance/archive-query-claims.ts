/** What stores of kind `archive` promise: finding, paging, counting. */
import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { InvalidArgumentError, NotFoundError } from "../../errors.ts";
import type { ArchiveQuery } from "../contract/archive-query.ts";
import type { ArchiveStore } from "../contract/kinds.ts";
import { append } from "./archive-claims.ts";
import { type ConformanceClaim, collect } from "./trial.ts";

export const archiveQueryClaims: readonly ConformanceClaim[] = [
  {
    kind: "archive",
    claim: "finds by time, both ends included, to the microsecond",
    async show(trial) {
      const store = await trial.archive();
      const base = 2n ** 53n;
      for (const offset of [3n, 1n, 2n, 4n]) {
        await store.append("user", { key: `+${offset}`, when: base + offset, value: 0 });
      }
      strictEqual(await find(store, { start: base + 2n }), "+3 +2 +4");
      strictEqual(await find(store, { end: base + 2n }), "+1 +2");
      strictEqual(await find(store, { start: base + 2n, end: base + 3n }), "+3 +2");
      strictEqual(await find(store, { start: base + 1n, end: base + 1n }), "+1");
      strictEqual(await find(store, { start: base + 3n, end: base + 2n }), "");
    },
  },
  {
    kind: "archive",
    claim: "finds by correspondent, by key, by several keys and by all of them together",
    async show(trial) {
      const store = await trial.archive();
      for (const [index, key] of ["a", "b", "c", "d"].entries()) {
        const peer = index % 2 === 0 ? "even" : "odd";
        await store.append("user", { key, when: BigInt(index), with: peer, value: 0 });
      }
      await append(store, "nobody");
      strictEqual(await find(store, { with: "even" }), "a c");
      strictEqual(await find(store, { with: "" }), "nobody");
      strictEqual(await find(store, { with: "Even" }), "");
      strictEqual(await find(store, { key: "b" }), "b");
      strictEqual(await find(store, { keys: ["d", "zz", "a", "d"] }), "a d");
      strictEqual(await find(store, { keys: ["d", "a"], reverse: true }), "d a");
      strictEqual(await find(store, { key: "b", keys: ["a", "c"] }), "");
      strictEqual(await find(store, { keys: ["a", "b", "c"], with: "even", start: 1n }), "c");
      strictEqual(await find(store, { with: "odd", after: "b", end: 9n }), "d");
      strictEqual(await find(store, { keys: ["a", "b", "c"], after: "a", limit: 1 }), "b");
    },
  },
  {
    kind: "archive",
    claim: "pages forwards and backwards over each item once",
    async show(trial) {
      const store = await trial.archive();
      const names = Array.from({ length: 25 }, (_, index) => `k${index}`);
      await append(store, names.join(" "));
      await append(store, "k3");
      const order = [...names.filter((name) => name !== "k3"), "k3"];
      for (const reverse of [false, true]) {
        const seen: string[] = [];
        let isLast = false;
        for (let turn = 0; turn < 10 && !isLast; turn++) {
          const last = seen.at(-1);
          const edge = last === undefined ? {} : reverse ? { before: last } : { after: last };
          const page = await store.find("user", { ...edge, reverse, limit: 7 });
          seen.push(...page.items.map((item) => item.key));
          ({ isLast } = page);
        }
        deepStrictEqual(seen, reverse ? order.toReversed() : order);
      }
    },
  },
  {
    kind: "archive",
    claim: "takes both ends of a page, excluded, and refuses ends that are unknown",
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c d e");
      strictEqual(await find(store, { after: "a", before: "d" }), "b c");
      strictEqual(await find(store, { before: "d", reverse: true, limit: 2 }), "c b");
      strictEqual(await find(store, { after: "b", reverse: true, limit: 2 }), "e d");
      strictEqual(await find(store, { after: "d", before: "b" }), "");
      strictEqual(await find(store, { after: "e" }), "");
      strictEqual(await find(store, { before: "a" }), "");
      await rejects(store.find("user", { after: "zz" }), NotFoundError);
      await rejects(store.find("user", { before: "A" }), NotFoundError);
      await rejects(store.find("other", { before: "a" }), NotFoundError);
    },
  },
  {
    kind: "archive",
    claim: "gives a hundred items unless told otherwise and says whether more follow",
    async show(trial) {
      const store = await trial.archive();
      await append(store, Array.from({ length: 101 }, (_, index) => `k${index}`).join(" "));
      const first = await store.find("user");
      deepStrictEqual([first.items.length, first.isLast], [100, false]);
      const all = await store.find("user", { limit: 101 });
      deepStrictEqual([all.items.length, all.isLast], [101, true]);
      const none = await store.find("user", { limit: 0 });
      deepStrictEqual([none.items.length, none.isLast], [0, false]);
      const nobody = await store.find("nobody", { limit: 0 });
      deepStrictEqual([nobody.items.length, nobody.isLast], [0, true]);
      await rejects(store.find("user", { limit: 10_001 }), InvalidArgumentError);
    },
  },
  {
    kind: "archive",
    claim: "counts what the filter selects, whatever page is asked for",
    exempt: ({ total }) => (total ? undefined : "it does not count"),
    async show(trial) {
      const store = await trial.archive();
      await append(store, "a b c d e f");
      await store.append("user", { key: "w", when: 1n, with: "w", value: 0 });
      const total = async (query: ArchiveQuery) =>
        (await store.find("user", { ...query, total: true })).total;
      strictEqual(await total({}), 7);
      strictEqual(await total({ limit: 0 }), 7);
      strictEqual(await total({ limit: 2, after: "c" }), 7);
      strictEqual(await total({ with: "w" }), 1);
      strictEqual(await total({ start: 2n, end: 4n, limit: 1 }), 3);
      strictEqual(await total({ keys: ["a", "zz", "b"] }), 2);
      strictEqual(await total({ keys: [] }), 0);
      strictEqual((await store.find("user")).total, undefined);
      strictEqual((await store.find("nobody", { total: true })).total, 0);
    },
  },
  {
    kind: "archive",
    claim: "sums up by correspondent",
    exempt: ({ summary }) => (summary ? undefined : "it has no summary"),
    async show(trial) {
      const store = await trial.archive();
      const base = 2n ** 53n;
      for (const [key, peer, offset] of [
        ["a", "x", 5n],
        ["b", "y", 2n],
        ["c", "x", 1n],
        ["d", "", 3n],
        ["e", "X", 4n],
      ] as const) {
        await store.append("user", { key, when: base + offset, with: peer, value: 0 });
      }
      const of = (count: number, earliest: bigint, latest: bigint) => {
        return { count, earliest: base + earliest, latest: base + latest };
      };
      const all = await store.summary("user");
      deepStrictEqual(
        new Map([...all].sort()),
        new Map([
          ["", of(1, 3n, 3n)],
          ["X", of(1, 4n, 4n)],
          ["x", of(2, 1n, 5n)],
          ["y", of(1, 2n, 2n)],
        ]),
      );
      const some = await store.summary("user", { start: base + 2n, with: "x" });
      deepStrictEqual([...some], [["x", of(1, 5n, 5n)]]);
      deepStrictEqual([...(await store.summary("user", { after: "d" }))], [["X", of(1, 4n, 4n)]]);
      strictEqual((await store.summary("nobody")).size, 0);
    },
  },
  {
    kind: "archive",
    claim: "iterates over more than a page, in both directions, while items go",
    async show(trial) {
      const store = await trial.archive();
      const names = Array.from({ length: 250 }, (_, index) => `k${index}`);
      await append(store, names.join(" "));
      const all = await collect(store.iterate("user"));
      deepStrictEqual(
        all.map((item) => item.key),
        names,
      );
      const some = await collect(
        store.iterate("user", { reverse: true, limit: 130, before: "k240" }),
      );
      deepStrictEqual(
        some.map((item) => item.key),
        names.slice(110, 240).toReversed(),
      );
      const seen: string[] = [];
      for await (const item of store.iterate("user")) {
        seen.push(item.key);
        await store.delete("user", { key: item.key });
      }
      deepStrictEqual(seen, names);
      await rejects(collect(store.iterate("user", { after: "k1" })), NotFoundError);
    },
  },
];

async function find(store: ArchiveStore, query: ArchiveQuery): Promise<string> {
  const { items } = await store.find("user", query);
  return items.map((item) => item.key).join(" ");
}
