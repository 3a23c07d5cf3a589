/** Limits in time that share a timer end each at its own time, under a clock by hand. */
import { expect, test } from "vitest";
import { CommitUnknownError, UnavailableError } from "../../../src/errors.ts";
import { Deadlines } from "../../../src/persistent/deadlines/deadlines.ts";
import { TimeLanes } from "../../../src/persistent/deadlines/time-lanes.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

test("each limit ends at its own time, in whatever order they were started", () => {
  const clock = new VirtualClock();
  const lanes = new TimeLanes(clock);
  const late: [string, number][] = [];
  const begin = clock.now();
  const start = (name: string, ms: number) =>
    lanes.start(ms, () => late.push([name, clock.now() - begin]));
  start("a", 100);
  const met = start("b", 100);
  clock.advance(30);
  start("c", 100);
  start("d", 20);
  clock.advance(10);
  met.end();
  clock.advance(60);
  start("e", 100);
  clock.advance(500);
  expect(late).toEqual([
    ["d", 50],
    ["a", 100],
    ["c", 130],
    ["e", 200],
  ]);
});

test("a lane that was empty for long is watched again", () => {
  const clock = new VirtualClock();
  const lanes = new TimeLanes(clock);
  for (let round = 0; round < 3; round++) {
    let isLate = false;
    lanes.start(50, () => undefined).end();
    clock.advance(1000);
    lanes.start(50, () => {
      isLate = true;
    });
    clock.advance(49);
    expect(isLate).toBe(false);
    clock.advance(1);
    expect(isLate).toBe(true);
  }
});

test("what comes after the limit, or after the signal, changes nothing", async () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock, "SQLite at x");
  const abort = new AbortController();
  let answer = (_value: number) => {};
  const work = (receiver: { resolve(value: number): void }) => {
    answer = (value) => receiver.resolve(value);
  };
  const write = deadlines.told({ timeoutMs: 20, signal: undefined }, "write", work);
  clock.advance(20);
  answer(1);
  await expect(write).rejects.toBeInstanceOf(CommitUnknownError);
  const read = deadlines.told({ timeoutMs: 20, signal: undefined }, "read", work);
  clock.advance(20);
  await expect(read).rejects.toBeInstanceOf(UnavailableError);
  const aborted = deadlines.told({ timeoutMs: 20, signal: abort.signal }, "read", work);
  abort.abort();
  answer(1);
  await expect(aborted).rejects.toMatchObject({ code: "ERR_SKEIN_ABORTED" });
  const early = deadlines.told({ timeoutMs: 20, signal: undefined }, "read", work);
  answer(7);
  clock.advance(50);
  expect(await early).toBe(7);
});
