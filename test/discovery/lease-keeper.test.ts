/** Holding a lease: renewed in time, given up in time, whatever the database does. */
import { describe, expect, test } from "vitest";
import type { LeaseAnswer, LeaseStore } from "../../src/discovery/lease.ts";
import { LeaseKeeper } from "../../src/discovery/lease-keeper.ts";
import { type SkeinError, UnavailableError } from "../../src/errors.ts";
import { VirtualClock } from "./clocks.ts";

const LEASE_MS = 10_000;

/** A store whose answers the test gives. */
class AskedStore implements LeaseStore {
  readonly leaseMs = LEASE_MS;
  readonly askedAt: number[] = [];
  readonly #clock: VirtualClock;
  #done: ((answer: LeaseAnswer | SkeinError) => void) | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  hold(done: (answer: LeaseAnswer | SkeinError) => void): void {
    this.askedAt.push(this.#clock.now());
    this.#done = done;
  }

  answer(answer: LeaseAnswer | SkeinError): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(answer);
  }

  get isAsked(): boolean {
    return this.#done !== undefined;
  }
}

const OWN: LeaseAnswer = {
  term: 3,
  holder: { name: "a", origin: 1 },
  isOwn: true,
  leftMs: LEASE_MS,
};
const OTHER: LeaseAnswer = { ...OWN, holder: { name: "b", origin: 2 }, isOwn: false, leftMs: 4000 };

function started(mayTake = true) {
  const clock = new VirtualClock();
  const store = new AskedStore(clock);
  const may = { take: mayTake };
  let answers = 0;
  const keeper = new LeaseKeeper({
    store,
    clock,
    mayTake: () => may.take,
    answered: () => {
      answers++;
    },
  });
  keeper.start();
  return { clock, store, keeper, may, answers: () => answers };
}

describe("a lease", () => {
  test("is held from when it was asked for, a tenth less than the database gives", async () => {
    const { clock, store, keeper, answers } = started();
    expect(store.askedAt).toEqual([0]);
    await clock.pass(2000);
    expect([keeper.held, answers()]).toEqual([null, 0]);
    store.answer(OWN);
    expect(keeper.held).toEqual({ term: 3, untilMs: 9000 });
    expect(answers()).toBe(1);
    await clock.pass(6999);
    expect(keeper.held).not.toBeNull();
    await clock.pass(1);
    expect(keeper.held).toBeNull();
  });

  test("is renewed when three tenths of it are over, one question at a time", async () => {
    const { clock, store, keeper } = started();
    store.answer(OWN);
    await clock.pass(3000);
    expect(store.askedAt).toEqual([0, 3000]);
    await clock.pass(3000);
    expect(store.askedAt).toEqual([0, 3000]);
    store.answer(OWN);
    expect(keeper.held?.untilMs).toBe(12_000);
    await clock.pass(500);
    expect(store.askedAt).toEqual([0, 3000, 6500]);
  });

  test("is held on while the database is away, until its time is over and no longer", async () => {
    const { clock, store, keeper } = started();
    store.answer(OWN);
    for (let ms = 0; ms < 8999; ms++) {
      await clock.pass(1);
      if (store.isAsked) store.answer(new UnavailableError("away"));
    }
    expect(keeper.held?.term).toBe(3);
    expect(keeper.error).toBeInstanceOf(UnavailableError);
    await clock.pass(1);
    expect(keeper.held).toBeNull();
    expect(store.askedAt.length).toBeGreaterThan(10);
  });

  test("whose answer comes too late is not held", async () => {
    const { clock, store, keeper } = started();
    await clock.pass(9000);
    store.answer(OWN);
    expect(keeper.held).toBeNull();
    expect(keeper.answer).toEqual(OWN);
  });

  test("of another node is asked for again as soon as it can have lapsed", async () => {
    const { clock, store, keeper } = started();
    store.answer({ ...OTHER, leftMs: 1200 });
    expect(keeper.held).toBeNull();
    expect(keeper.answer?.holder.name).toBe("b");
    await clock.pass(1499);
    expect(store.askedAt).toEqual([0]);
    await clock.pass(1);
    expect(store.askedAt).toEqual([0, 1500]);
    store.answer({ ...OTHER, leftMs: 9000 });
    await clock.pass(3500);
    expect(store.askedAt).toEqual([0, 1500, 4500]);
  });

  test("that was taken from this node is not held any longer", async () => {
    const { clock, store, keeper } = started();
    store.answer(OWN);
    await clock.pass(3000);
    store.answer({ ...OTHER, term: 4 });
    expect(keeper.held).toBeNull();
  });

  test("is not asked for while this node may not take it, and nothing after the stop", async () => {
    const { clock, store, keeper, may } = started(false);
    await clock.pass(20_000);
    expect(store.askedAt).toEqual([]);
    may.take = true;
    await clock.pass(500);
    expect(store.askedAt).toHaveLength(1);
    store.answer(OWN);
    may.take = false;
    await clock.pass(4000);
    expect(store.askedAt).toHaveLength(2);
    keeper.stop();
    store.answer(OWN);
    expect(keeper.held).toBeNull();
    await clock.pass(20_000);
    expect(store.askedAt).toHaveLength(2);
  });
});
