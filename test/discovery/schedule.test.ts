import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { JITTER, SCHEDULE_DEFAULTS, Schedule, spread } from "../../src/discovery/schedule.ts";

const MINUTE_MS = 60_000;
const MIDDLE = 0.5;

/** A schedule that has just been answered at `now`. */
function answeredAt(now: number): Schedule {
  const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
  schedule.started(now);
  schedule.answered(now, MIDDLE);
  return schedule;
}

describe("the time until the next query", () => {
  test("the first query is due at once", () => {
    expect(new Schedule(SCHEDULE_DEFAULTS, 1000).dueAt).toBe(1000);
  });

  test("is 5 s in the first five minutes, and five minutes afterwards", () => {
    expect(answeredAt(0).dueAt).toBe(5000);
    expect(answeredAt(5 * MINUTE_MS - 1).dueAt).toBe(5 * MINUTE_MS - 1 + 5000);
    expect(answeredAt(5 * MINUTE_MS).dueAt).toBe(10 * MINUTE_MS);
  });

  test("is five minutes as soon as every node is linked", () => {
    const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
    schedule.started(0);
    schedule.allLinked();
    schedule.answered(10, MIDDLE);
    expect(schedule.dueAt).toBe(10 + 5 * MINUTE_MS);
  });

  test("is 1 s after an error, in any phase", () => {
    for (const now of [0, 20 * MINUTE_MS]) {
      const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
      schedule.started(now);
      schedule.failed(now + 7, MIDDLE);
      expect(schedule.dueAt).toBe(now + 7 + 1000);
    }
  });

  test("is 30 s after a node went down less than 30 s ago", () => {
    const schedule = answeredAt(20 * MINUTE_MS);
    const now = 21 * MINUTE_MS;
    schedule.nodeDown(now, MIDDLE);
    expect(schedule.dueAt).toBe(now + 30_000);
    schedule.started(now + 1000);
    schedule.answered(now + 1000, MIDDLE);
    expect(schedule.dueAt).toBe(now + 31_000);
    schedule.started(now + 31_000);
    schedule.answered(now + 31_000, MIDDLE);
    expect(schedule.dueAt).toBe(now + 31_000 + 5 * MINUTE_MS);
  });

  test("is not lengthened by a node that goes down", () => {
    const schedule = answeredAt(0);
    schedule.nodeDown(1, MIDDLE);
    expect(schedule.dueAt).toBe(5000);
  });

  test("is nothing when asked, but two starts are 100 ms apart", () => {
    const schedule = answeredAt(20 * MINUTE_MS);
    schedule.trigger(20 * MINUTE_MS + 20);
    expect(schedule.dueAt).toBe(20 * MINUTE_MS + 100);
    const later = answeredAt(20 * MINUTE_MS);
    later.trigger(21 * MINUTE_MS);
    expect(later.dueAt).toBe(21 * MINUTE_MS);
  });

  test("varies by a tenth up and down", () => {
    expect(spread(1000, 0)).toBe(900);
    expect(spread(1000, 1)).toBe(1100);
    const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
    schedule.started(0);
    schedule.answered(0, 0);
    expect(schedule.dueAt).toBe(4500);
  });
});

describe("one query at a time", () => {
  test("nothing is due while one runs", () => {
    const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
    schedule.started(0);
    schedule.trigger(1);
    schedule.nodeDown(2, MIDDLE);
    expect(schedule.dueAt).toBe(Number.POSITIVE_INFINITY);
  });

  test.each(["answered", "failed"] as const)("triggers meanwhile make one more: %s", (how) => {
    const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
    schedule.started(0);
    schedule.trigger(200);
    schedule.trigger(300);
    schedule[how](400, MIDDLE);
    expect(schedule.dueAt).toBe(400);
    schedule.started(400);
    schedule.answered(600, MIDDLE);
    expect(schedule.dueAt).toBe(5600);
  });

  test("a second start, or an end without a start, is a mistake of ours", () => {
    const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
    expect(() => schedule.answered(0, MIDDLE)).toThrow();
    schedule.started(0);
    expect(() => schedule.started(0)).toThrow();
  });
});

test("whatever happens, the next query comes within the regular interval and a tenth", () => {
  const event = fc.constantFrom("trigger", "down", "linked", "start", "answer", "fail");
  const script = fc.array(
    fc.record({ event, wait: fc.nat(400_000), roll: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(
    fc.property(script, (steps) => {
      const schedule = new Schedule(SCHEDULE_DEFAULTS, 0);
      let now = 0;
      let asking = false;
      for (const { event, wait, roll } of steps) {
        now += wait;
        if (event === "trigger") schedule.trigger(now);
        else if (event === "down") schedule.nodeDown(now, roll);
        else if (event === "linked") schedule.allLinked();
        else if (event === "start" && !asking) {
          asking = true;
          schedule.started(now);
        } else if (event !== "start" && asking) {
          asking = false;
          if (event === "answer") schedule.answered(now, roll);
          else schedule.failed(now, roll);
        }
        if (asking) expect(schedule.dueAt).toBe(Number.POSITIVE_INFINITY);
        else expect(schedule.dueAt - now).toBeLessThanOrEqual(300_000 * (1 + JITTER));
      }
    }),
  );
});
