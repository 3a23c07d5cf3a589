import { describe, expect, it } from "vitest";
import { Dialer } from "../../src/cluster/dialer.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

function setup(
  options: {
    maxDials?: number;
    isTakenCareOf?: (address: string) => boolean;
    linkedAt?: () => number | undefined;
  } = {},
) {
  const { maxDials = 64, isTakenCareOf = () => false, linkedAt = () => undefined } = options;
  const clock = new VirtualClock();
  const dials: { address: string; at: number }[] = [];
  const dialer = new Dialer({
    redialMinMs: 100,
    redialMaxMs: 5000,
    maxDials,
    clock,
    random: new SeededRandom(1),
    isTakenCareOf,
    linkedAt,
    dial: (address) => dials.push({ address, at: clock.now() }),
  });
  return { clock, dialer, dials, addresses: () => dials.map((dial) => dial.address) };
}

describe("Dialer", () => {
  it("dials what is new at once, and what is wanted already no second time", () => {
    const { dialer, addresses } = setup();
    dialer.want(new Set(["a", "b"]));
    dialer.want(new Set(["a", "b", "c"]));
    expect(addresses()).toEqual(["a", "b", "c"]);
  });

  it("has no more attempts under way than allowed, and comes to all in the end", () => {
    const { clock, dialer, dials, addresses } = setup({ maxDials: 3 });
    dialer.want(new Set(Array.from({ length: 10 }, (_, index) => `n${index}`)));
    for (let done = 0; done < 10; done++) {
      expect(dials.length - done).toBeLessThanOrEqual(3);
      const dial = dials[done];
      if (dial === undefined) throw new Error("nobody is dialled");
      dialer.settled(dial.address, undefined);
      clock.advance(200);
    }
    expect(new Set(addresses()).size).toBe(10);
  });

  it("leaves alone who is linked, and looks again in a while", () => {
    let isLinked = true;
    const { clock, dialer, addresses } = setup({ isTakenCareOf: () => isLinked });
    dialer.want(new Set(["a"]));
    clock.advance(60_000);
    expect(addresses()).toEqual([]);
    isLinked = false;
    clock.advance(5000);
    expect(addresses()).toEqual(["a"]);
  });

  it("redials at once after a link that held, and later and later after ones that did not", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    const waitAfter = (heldMs: number): number => {
      dialer.settled("a", 1);
      const lostAt = clock.now();
      const count = dials.length;
      dialer.lost("a", heldMs);
      while (dials.length === count) clock.advance(1);
      return clock.now() - lostAt;
    };
    expect(waitAfter(10)).toBe(0);
    expect(waitAfter(10_000)).toBe(0);
    const waits = [10, 10, 10, 10, 10].map(waitAfter);
    expect(waits.at(-1)).toBeGreaterThanOrEqual(1600 / 2);
    expect(waitAfter(10_000)).toBe(0);
  });

  it("who has dialled us is dialled once, in a while, to see that it is found at its address", () => {
    let linked = 7;
    const { clock, dialer, addresses } = setup({
      isTakenCareOf: () => true,
      linkedAt: () => linked,
    });
    dialer.want(new Set(["a"]));
    clock.advance(400);
    expect(addresses()).toEqual([]);
    clock.advance(600);
    expect(addresses()).toEqual(["a"]);
    expect(dialer.failed("a", "no", { isHopeless: false, isVacant: false })).toBe(undefined);
    clock.advance(60_000);
    expect(addresses()).toEqual(["a"]);
    // Somebody else is there now, and is found.
    linked = 8;
    clock.advance(6000);
    expect(addresses()).toEqual(["a", "a"]);
    dialer.settled("a", 8);
    clock.advance(60_000);
    expect(addresses()).toEqual(["a", "a"]);
    dialer.lost("a", 60_000);
    clock.advance(6000);
    expect(addresses()).toEqual(["a", "a"]);
  });

  it("tries again, soon, while the first redials fail, and then ever more slowly", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    dialer.settled("a", 1);
    dialer.lost("a", 10_000);
    expect(dials.length).toBe(2);
    const unreachable = { isHopeless: false, isVacant: false };
    expect(dialer.failed("a", "reset", unreachable)).toBe(1);
    for (const [tries, waitMs] of [2, 4, 8, 16].entries()) {
      clock.advance(waitMs / 2 - 0.1);
      expect(dials.length).toBe(2 + tries);
      clock.advance(waitMs / 2 + 0.1);
      expect(dials.length).toBe(3 + tries);
      dialer.failed("a", "reset", unreachable);
    }
    clock.advance(100);
    expect(dials.length).toBe(6);
    clock.advance(300);
    expect(dials.length).toBe(7);
  });

  it("who was absent before a doubt is asked again, soon", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    for (let failures = 0; failures < 6; failures++) {
      dialer.failed("a", "refused", { isHopeless: false, isVacant: true });
      if (failures < 5) clock.advance(10_000);
    }
    expect(dials.length).toBe(6);
    expect(dialer.status()[0]?.isVacant).toBe(true);
    dialer.doubt();
    expect(dialer.status()[0]?.isVacant).toBe(false);
    clock.advance(100);
    expect(dials.length).toBe(7);
    dialer.failed("a", "refused", { isHopeless: false, isVacant: true });
    expect(dialer.status()[0]?.isVacant).toBe(true);
  });

  it("a refusal of a dial that a doubt came upon says nothing", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    dialer.doubt();
    dialer.failed("a", "refused", { isHopeless: false, isVacant: true });
    expect(dialer.status()[0]?.isVacant).toBe(false);
    clock.advance(100);
    expect(dials.length).toBe(2);
    dialer.failed("a", "refused", { isHopeless: false, isVacant: true });
    expect(dialer.status()[0]?.isVacant).toBe(true);
  });

  it("what is no longer wanted is forgotten with its failures", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    dialer.failed("a", "refused: nobody", { isHopeless: false, isVacant: false });
    expect(dialer.status()).toMatchObject([
      { address: "a", failures: 1, lastFailure: "refused: nobody" },
    ]);
    dialer.want(new Set());
    clock.advance(60_000);
    expect(dials.length).toBe(1);
    dialer.want(new Set(["a"]));
    expect(dialer.status()[0]?.failures).toBe(0);
  });

  it("stopped, it dials nobody", () => {
    const { clock, dialer, dials } = setup();
    dialer.want(new Set(["a"]));
    dialer.failed("a", "refused", { isHopeless: false, isVacant: false });
    dialer.stop();
    dialer.want(new Set(["b"]));
    clock.advance(60_000);
    expect(dials.length).toBe(1);
  });
});
