/** Writing behind against a store that refuses items and goes away: nothing is lost or doubled. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NotRunningError, OverloadedError, UnavailableError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/node/system.ts";
import type { WriteBehindLimits } from "../../../src/persistent/write-behind/options.ts";
import { WriteBehind } from "../../../src/persistent/write-behind/write-behind.ts";
import { silentLog } from "../../../src/runtime.ts";
import { SeededRandom } from "../../../src/testing/seeded-random.ts";

interface Message {
  readonly id: number;
  readonly group: string;
  readonly isPoison?: boolean;
  /** Refused for no reason that the queue knows of. */
  readonly isOdd?: boolean;
}

class Poisoned extends Error {}
class Away extends Error {}
class Odd extends Error {}

/** A store whose outages and slow answers are at the test's command. */
class Store {
  readonly rows = new Map<number, Message>();
  readonly batches: number[] = [];
  /** Attempts that fail before the next one succeeds; of them, those that were written anyway. */
  outages: ("lost" | "written")[] = [];
  /** The store answers and refuses everything. */
  isFull = false;
  gate: Promise<void> = Promise.resolve();

  readonly write = async (batch: readonly Message[]): Promise<void> => {
    this.batches.push(batch.length);
    await this.gate;
    const outage = this.outages.shift();
    if (outage === "lost") throw new Away("gone before the commit");
    if (this.isFull || batch.some(({ isOdd }) => isOdd)) throw new Odd("no");
    if (batch.some(({ isPoison }) => isPoison)) throw new Poisoned("a row is refused");
    for (const message of batch) this.rows.set(message.id, message);
    if (outage === "written") throw new Away("gone after the commit");
  };
}

function queueOn(store: Store, limits: Partial<WriteBehindLimits> = {}) {
  const refused: [Message, unknown][] = [];
  const aside: [Message, unknown][] = [];
  const queue = new WriteBehind<Message>({
    name: "test archive",
    write: store.write,
    isItemFault: (error) => error instanceof Poisoned,
    isSuspect: (error) => error instanceof Odd,
    onSetAside: (item, error) => aside.push([item, error]),
    onRefused: (item, error) => refused.push([item, error]),
    groupOf: ({ group }) => group,
    sizeOf: () => 100,
    clock: systemClock,
    random: new SeededRandom(1),
    log: silentLog,
    limits: { lingerMs: 1, retryMaxMs: 2, ...limits },
  });
  return { queue, refused, aside };
}

/** A promise and what resolves it. */
function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

describe("a queue of writes", () => {
  test("loses and doubles nothing, whatever the store does, and refuses poison alone", async () => {
    const message = fc.record({ group: fc.constantFrom("a", "b"), isPoison: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 60 }),
        fc.array(fc.constantFrom("lost" as const, "written" as const), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (given, outages, batchItems) => {
          const store = new Store();
          store.outages = [...outages];
          const { queue, refused } = queueOn(store, { batchItems });
          const messages = given.map((each, id) => ({ ...each, id }));
          for (const each of messages) await queue.add(each);
          await queue.sync();
          const poison = messages.filter(({ isPoison }) => isPoison);
          expect([...store.rows.values()]).toEqual(messages.filter(({ isPoison }) => !isPoison));
          expect(refused.map(([item]) => item)).toEqual(poison);
          expect(queue.status()).toMatchObject({
            items: 0,
            bytes: 0,
            oldestMs: 0,
            written: messages.length - poison.length,
            refused: poison.length,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test("ends a batch at its bytes; an item of more is a batch by itself", async () => {
    const store = new Store();
    const { queue } = queueOn(store, { batchBytes: 250, lingerMs: 1_000 });
    for (let id = 0; id < 5; id++) await queue.add({ id, group: "a" });
    await queue.sync();
    expect(store.batches).toEqual([2, 2, 1]);
    const { queue: tight } = queueOn(store, { batchBytes: 50, lingerMs: 1_000 });
    for (let id = 5; id < 7; id++) await tight.add({ id, group: "a" });
    await tight.sync();
    expect(store.batches).toEqual([2, 2, 1, 1, 1]);
    expect(store.rows.size).toBe(7);
  });

  test("writes in batches that fill while one is under way", async () => {
    const store = new Store();
    const { promise, open } = gate();
    store.gate = promise;
    const { queue } = queueOn(store, { batchItems: 50 });
    for (let id = 0; id < 120; id++) await queue.add({ id, group: "a" });
    open();
    await queue.sync();
    expect(store.batches).toEqual([50, 50, 20]);
  });

  test("sync waits for no batch to fill", async () => {
    const store = new Store();
    const { queue } = queueOn(store, { lingerMs: 60_000, batchItems: 2 });
    for (let id = 0; id < 5; id++) await queue.add({ id, group: "a" });
    await queue.sync(undefined, 2_000);
    expect(store.batches).toEqual([2, 2, 1]);
  });

  test("sync of a group does not wait for what others added later", async () => {
    const store = new Store();
    const { queue } = queueOn(store, { lingerMs: 60_000, batchItems: 2 });
    await queue.add({ id: 1, group: "a" });
    await queue.sync("a");
    expect(store.rows.has(1)).toBe(true);
    const { promise, open } = gate();
    store.gate = promise;
    await queue.add({ id: 2, group: "b" });
    await queue.sync("a");
    expect(store.rows.has(2)).toBe(false);
    open();
    await queue.sync("b");
    expect(store.rows.has(2)).toBe(true);
  });

  test("pushes back when it is full, and says with what", async () => {
    const store = new Store();
    const { promise, open } = gate();
    store.gate = promise;
    const { queue } = queueOn(store, { queueItems: 3, roomMs: 20, batchItems: 1 });
    for (let id = 0; id < 3; id++) await queue.add({ id, group: "a" });
    const refusal = queue.add({ id: 3, group: "a" });
    await expect(refusal).rejects.toThrow(OverloadedError);
    await expect(refusal).rejects.toThrow(/test archive: 3 items of 300 bytes/);
    const patient = queueOn(store, { queueItems: 1, roomMs: 60_000, batchItems: 1 }).queue;
    await patient.add({ id: 10, group: "a" });
    const later = patient.add({ id: 11, group: "a" });
    open();
    await later;
    await patient.sync();
    expect(store.rows.has(11)).toBe(true);
  });

  test("bounds those that wait for room", async () => {
    const store = new Store();
    const { promise, open } = gate();
    store.gate = promise;
    const { queue } = queueOn(store, { queueItems: 1, roomCallers: 1, roomMs: 60_000 });
    await queue.add({ id: 1, group: "a" });
    const patient = queue.add({ id: 2, group: "a" });
    await expect(queue.add({ id: 3, group: "a" })).rejects.toThrow(OverloadedError);
    open();
    await queue.sync();
    await patient;
  });

  test("a stop writes what is there and takes no more", async () => {
    const store = new Store();
    const { queue } = queueOn(store, { lingerMs: 60_000 });
    await queue.add({ id: 1, group: "a" });
    await queue.stop();
    expect(store.rows.has(1)).toBe(true);
    await expect(queue.add({ id: 2, group: "a" })).rejects.toThrow(NotRunningError);
  });

  test("a stop that runs out of time names how many are left, and hands them back", async () => {
    const store = new Store();
    store.outages = Array.from({ length: 10_000 }, () => "lost" as const);
    const { queue, refused } = queueOn(store);
    await queue.add({ id: 1, group: "a" });
    await queue.add({ id: 2, group: "b" });
    const stop = queue.stop(30);
    await expect(stop).rejects.toThrow(UnavailableError);
    await expect(stop).rejects.toThrow(/2 items were not written within 30 ms/);
    await expect.poll(() => refused.map(([{ id }]) => id)).toEqual([1, 2]);
    expect(refused[0]?.[1]).toBeInstanceOf(Away);
  });
});

describe("items that fail for no known reason", () => {
  /** Adds good ones until the condition holds, within ten seconds. */
  async function feedUntil(
    queue: WriteBehind<Message>,
    isTrue: () => boolean,
    group = "fed",
  ): Promise<number> {
    const until = performance.now() + 10_000;
    let count = 0;
    while (!isTrue()) {
      if (performance.now() > until) throw new Error("it did not come to pass");
      await queue.add({ id: 100_000 + count++, group });
      await queue.sync(group);
    }
    return count;
  }

  test("are set aside after so many attempts with others passing, and the others are written", async () => {
    const message = fc.record({
      group: fc.constantFrom("a", "b"),
      isPoison: fc.boolean(),
      isOdd: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 40 }),
        fc.array(fc.constantFrom("lost" as const, "written" as const), { maxLength: 6 }),
        fc.integer({ min: 1, max: 9 }),
        async (given, outages, batchItems) => {
          const store = new Store();
          store.outages = [...outages];
          const { queue, refused, aside } = queueOn(store, { batchItems, strikesMax: 3 });
          const messages = given.map((each, id) => ({ ...each, id }));
          for (const each of messages) await queue.add(each);
          const odd = messages.filter(({ isOdd }) => isOdd);
          const fed = await feedUntil(queue, () => aside.length === odd.length);
          await queue.sync();
          const good = messages.filter((each) => !each.isOdd && !each.isPoison);
          const ids = [...store.rows.keys()].filter((id) => id < 100_000);
          expect(ids.sort((a, b) => a - b)).toEqual(good.map(({ id }) => id));
          expect(store.rows.size).toBe(good.length + fed);
          const poison = messages.filter((each) => each.isPoison && !each.isOdd);
          expect(refused.map(([{ id }]) => id).sort((a, b) => a - b)).toEqual(
            poison.map(({ id }) => id),
          );
          expect(aside.every(([, error]) => error instanceof Odd)).toBe(true);
          expect(new Set(queue.setAside().map(({ item }) => item.id))).toEqual(
            new Set(odd.map(({ id }) => id)),
          );
          expect(queue.status()).toMatchObject({
            ...{ items: 0, bytes: 0, failing: 0, setAside: odd.length },
            ...{ written: good.length + fed, refused: poison.length },
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test("are waited out while nobody passes, and written when the store takes them", async () => {
    const store = new Store();
    const { queue, aside, refused } = queueOn(store, { batchItems: 30, strikesMax: 1 });
    store.isFull = true;
    for (let id = 0; id < 50; id++) await queue.add({ id, group: "a" });
    await expect.poll(() => store.batches.length).toBeGreaterThan(200);
    expect(queue.status()).toMatchObject({ items: 50, setAside: 0 });
    store.isFull = false;
    await queue.sync();
    expect(store.rows.size).toBe(50);
    expect([aside, refused]).toEqual([[], []]);
  });

  test("are waited out alone as well, and the next one passes", async () => {
    const store = new Store();
    const { queue, aside } = queueOn(store, { strikesMax: 1 });
    await queue.add({ id: 1, group: "a", isOdd: true });
    await expect.poll(() => store.batches.length).toBeGreaterThan(20);
    expect(queue.status()).toMatchObject({ items: 1, failing: 1, setAside: 0 });
    await queue.add({ id: 2, group: "b" });
    await queue.sync("b");
    expect(store.rows.has(2)).toBe(true);
    await expect.poll(() => aside.length).toBe(1);
  });

  test("do not hold up others, whoever waits for their group waits for them", async () => {
    const store = new Store();
    const { queue, aside } = queueOn(store, { batchItems: 40, strikesMax: 2, retryMaxMs: 20 });
    // More in a row than are tried before it is taken for an outage.
    for (let id = 0; id < 60; id++) await queue.add({ id, group: "odd", isOdd: true });
    let isSettled = false;
    const settled = queue.sync("odd").then(() => {
      isSettled = true;
    });
    await feedUntil(queue, () => store.rows.size > 3 && aside.length < 60);
    expect(isSettled).toBe(false);
    await feedUntil(queue, () => aside.length === 60);
    await settled;
  });

  test("that were set aside are tried again or dropped on demand", async () => {
    const store = new Store();
    const { queue, aside } = queueOn(store, { strikesMax: 1 });
    const odd: { id: number; group: string; isOdd: boolean }[] = [];
    for (let id = 0; id < 3; id++) odd.push({ id, group: id < 2 ? "a" : "b", isOdd: true });
    for (const each of odd) await queue.add(each);
    await feedUntil(queue, () => aside.length === 3);
    expect(queue.setAside("a")).toHaveLength(2);
    for (const each of odd) each.isOdd = false;
    expect(await queue.retrySetAside("a")).toBe(2);
    await queue.sync();
    expect([0, 1, 2].map((id) => store.rows.has(id))).toEqual([true, true, false]);
    expect(queue.dropSetAside().map(({ item }) => item.id)).toEqual([2]);
    expect(queue.status()).toMatchObject({ setAside: 0, items: 0, bytes: 0 });
  });

  test("stay in the queue where as many are set aside as may be", async () => {
    const store = new Store();
    const { queue, aside } = queueOn(store, { strikesMax: 1, setAsideItems: 1 });
    for (let id = 0; id < 3; id++) await queue.add({ id, group: "a", isOdd: true });
    await feedUntil(queue, () => aside.length === 1 && queue.status().failing === 2);
    const triedThen = store.batches.length;
    const sinceMs = performance.now();
    await feedUntil(queue, () => {
      return store.batches.length > triedThen + 60 && performance.now() > sinceMs + 50;
    });
    expect(queue.status()).toMatchObject({ items: 2, setAside: 1 });
  });

  test("are handed back by a stop, set aside or not", async () => {
    const store = new Store();
    const { queue, aside, refused } = queueOn(store, { strikesMax: 1, setAsideItems: 1 });
    for (let id = 0; id < 3; id++) await queue.add({ id, group: "a", isOdd: true });
    await feedUntil(queue, () => aside.length === 1 && queue.status().failing === 2);
    await expect(queue.stop(30)).rejects.toThrow(UnavailableError);
    await expect.poll(() => refused.map(([{ id }]) => id).sort()).toEqual([0, 1, 2]);
    const { queue: other, aside: others } = queueOn(store, { strikesMax: 1 });
    await other.add({ id: 3, group: "a", isOdd: true });
    await feedUntil(other, () => others.length === 1);
    await expect(other.stop()).rejects.toThrow(/1 items were set aside/);
  });
});
