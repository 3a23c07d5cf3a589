import { describe, expect, it } from "vitest";
import { FailureDetector, TICKS_PER_PING } from "../../src/cluster/failure-detector.ts";

const timings = { pingMs: 1000, downMs: 4000, refusedDownMs: 1500 };
const TICK_MS = timings.pingMs / TICKS_PER_PING;
const PEER = 7;
const nobody = () => false;

/** A detector with one linked peer, and a clock that ticks it. */
class Judge {
  readonly detector = new FailureDetector(timings, 0);
  now = 0;
  readonly found: string[] = [];
  isVouched: (origin: number) => boolean = nobody;

  constructor() {
    this.detector.linked(PEER, 0);
  }

  /** Ticks in good time; `each` runs before each tick, as IO would. */
  run(ms: number, each: () => void = () => {}): void {
    for (let left = ms; left > 0; left -= TICK_MS) {
      this.now += TICK_MS;
      each();
      this.tick();
    }
  }

  /** Does not run for so long; the timer fires before any IO. */
  stall(ms: number): void {
    this.now += ms;
    this.tick();
  }

  /** Its host refuses a redial. */
  refused(wasFound = false): void {
    this.detector.refused(PEER, { now: this.now, wasFound });
  }

  /** Who is down, judged out of turn. */
  vacant(): readonly number[] {
    return this.detector.judgeVacant((of) => this.isVouched(of));
  }

  tick(): void {
    for (const { origin, kind } of this.detector.tick(this.now, (of) => this.isVouched(of))) {
      this.found.push(`${origin} ${kind}`);
    }
  }
}

describe("FailureDetector", () => {
  it("a member heard of in time is never found down", () => {
    const judge = new Judge();
    judge.run(60_000, () => judge.detector.linkHeard(PEER, judge.now));
    expect(judge.found).toEqual([]);
    expect(judge.detector.state(PEER)).toBe("alive");
  });

  it("silence for downMs is down, once, and not earlier", () => {
    const judge = new Judge();
    judge.run(3750);
    expect(judge.found).toEqual([]);
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} silent`]);
    judge.run(20_000);
    expect(judge.found.length).toBe(1);
    expect(judge.detector.state(PEER)).toBe("down");
    expect(judge.detector.isCounted(PEER)).toBe(false);
    expect(judge.detector.downMs(PEER, judge.now)).toBe(20_000);
  });

  it("a closed link is suspicion at once, and down only after downMs", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    expect(judge.detector.state(PEER)).toBe("suspect");
    expect(judge.detector.isCounted(PEER)).toBe(true);
    judge.run(3750);
    expect(judge.found).toEqual([]);
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} silent`]);
  });

  it("a refused redial shortens the wait to refusedDownMs after it", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.run(250);
    judge.refused();
    judge.run(1250);
    // Later refusals do not prolong it.
    judge.refused();
    expect(judge.found).toEqual([]);
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} refused`]);
  });

  it("a refusal counts for nothing while there is a link", () => {
    const judge = new Judge();
    judge.refused();
    judge.run(3000);
    expect(judge.found).toEqual([]);
  });

  it("a beat heard after the refusal takes it back", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.refused();
    judge.run(1250);
    judge.detector.heard(PEER, judge.now);
    judge.run(3750);
    expect(judge.found).toEqual([]);
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} silent`]);
  });

  it("a refusal is no sign of death while a member in reach has a link to it", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.refused();
    judge.isVouched = (origin) => origin === PEER;
    judge.run(3750);
    expect(judge.found).toEqual([]);
    judge.isVouched = nobody;
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} silent`]);
  });

  it("who was cut off, and is refused where it was found before, is down at once, and once", () => {
    const judge = new Judge();
    judge.refused(true);
    expect(judge.vacant()).toEqual([]);
    judge.detector.unlinked(PEER);
    expect(judge.vacant()).toEqual([]);
    judge.refused(true);
    expect(judge.vacant()).toEqual([PEER]);
    expect(judge.detector.state(PEER)).toBe("down");
    expect(judge.detector.isCounted(PEER)).toBe(false);
    judge.refused(true);
    expect(judge.vacant()).toEqual([]);
    judge.run(10_000);
    expect(judge.found).toEqual([]);
    expect(judge.detector.heard(PEER, judge.now)).toBe(true);
  });

  it("a refusal where it was never found is not that sure", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.refused(false);
    expect(judge.vacant()).toEqual([]);
  });

  it("nobody is down at once while a member in reach may have a link to it", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.refused(true);
    judge.isVouched = (origin) => origin === PEER;
    expect(judge.vacant()).toEqual([]);
    judge.isVouched = nobody;
    expect(judge.vacant()).toEqual([PEER]);
  });

  it("who was heard of by others since it was cut off is not down at once", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.detector.heard(PEER, judge.now);
    judge.refused(true);
    expect(judge.vacant()).toEqual([]);
    judge.detector.unlinked(PEER);
    judge.refused(true);
    judge.detector.heard(PEER, judge.now);
    expect(judge.vacant()).toEqual([]);
  });

  it.each([1, 1000, 3000, 100_000])("a judge that stalled for %d ms accuses nobody", (ms) => {
    const judge = new Judge();
    judge.run(2000, () => judge.detector.linkHeard(PEER, judge.now));
    judge.run(1000);
    judge.stall(ms);
    expect(judge.found).toEqual([]);
    // What waited in the sockets is read before the next tick.
    judge.detector.linkHeard(PEER, judge.now);
    judge.run(3000);
    expect(judge.found).toEqual([]);
  });

  it("a silence nearly over does not end in the very tick that comes late", () => {
    const judge = new Judge();
    judge.run(3750);
    judge.stall(600);
    expect(judge.found).toEqual([]);
    judge.detector.linkHeard(PEER, judge.now);
    judge.run(3500);
    expect(judge.found).toEqual([]);
  });

  it("a judge that stalls all the time still finds who is down", () => {
    const judge = new Judge();
    for (let count = 0; count < 6; count++) judge.stall(1400);
    expect(judge.found).toEqual([`${PEER} silent`]);
  });

  it("a stall counts for one and a half ping intervals at most", () => {
    const judge = new Judge();
    judge.stall(1_000_000);
    expect(judge.detector.heardMsAgo(PEER, judge.now)).toBe(1500);
    judge.run(2250);
    expect(judge.found).toEqual([]);
    judge.run(250);
    expect(judge.found).toEqual([`${PEER} silent`]);
  });

  it("who was down comes up by a beat or a handshake, and each tells so once", () => {
    const judge = new Judge();
    judge.detector.unlinked(PEER);
    judge.run(4000);
    expect(judge.detector.heard(PEER, judge.now)).toBe(true);
    expect(judge.detector.heard(PEER, judge.now)).toBe(false);
    expect(judge.detector.linked(PEER, judge.now)).toBe(false);
    judge.detector.unlinked(PEER);
    judge.run(4000);
    expect(judge.detector.linked(PEER, judge.now)).toBe(true);
    expect(judge.found.length).toBe(2);
  });

  it("somebody known by hearsay is counted only when its beat rises", () => {
    const judge = new Judge();
    judge.detector.learned(8, judge.now);
    expect(judge.detector.state(8)).toBe("suspect");
    expect(judge.detector.isCounted(8)).toBe(false);
    expect(judge.detector.heard(8, judge.now)).toBe(true);
    expect(judge.detector.isCounted(8)).toBe(true);
  });

  it("hearsay that never comes true is down without a word", () => {
    const judge = new Judge();
    judge.detector.learned(8, judge.now);
    judge.run(10_000, () => judge.detector.linkHeard(PEER, judge.now));
    expect(judge.found).toEqual([]);
    expect(judge.detector.state(8)).toBe("down");
    expect(judge.detector.downMs(8, judge.now)).toBe(6000);
  });

  it("a link that carries nothing is found although others still hear its peer", () => {
    const judge = new Judge();
    judge.run(4000, () => judge.detector.heard(PEER, judge.now));
    expect(judge.found).toEqual([`${PEER} link silent`]);
    expect(judge.detector.isCounted(PEER)).toBe(true);
  });

  it("who is forgotten is found no more", () => {
    const judge = new Judge();
    expect(judge.detector.forget(PEER)).toBe(true);
    expect(judge.detector.forget(PEER)).toBe(false);
    judge.run(10_000);
    expect(judge.found).toEqual([]);
    expect(judge.detector.heard(PEER, judge.now)).toBe(false);
  });
});
