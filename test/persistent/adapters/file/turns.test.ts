/** Turns at a file: one at a time, in order, and nobody waits for ever. */
import { expect, it } from "vitest";
import { AbortedError, OverloadedError, UnavailableError } from "../../../../src/errors.ts";
import { Turns } from "../../../../src/persistent/adapters/file/turns.ts";

const BUDGET = { timeoutMs: 10_000, signal: undefined };

/** A turn that ends when it is told to. */
function held(turns: Turns, name: string) {
  let end = () => {};
  const done = turns.run(name, BUDGET, () => new Promise<void>((resolve) => (end = resolve)));
  return { done, end: () => end() };
}

it("come one at a time for a name, in the order of asking, and at once for others", async () => {
  const turns = new Turns();
  const first = held(turns, "a");
  const order: string[] = [];
  const rest = ["x", "y", "z"].map((each) => turns.run("a", BUDGET, async () => order.push(each)));
  await turns.run("b", BUDGET, async () => order.push("other"));
  expect(order).toEqual(["other"]);
  first.end();
  await Promise.all(rest);
  expect(order).toEqual(["other", "x", "y", "z"]);
  await turns.whenIdle();
});

it("go on after one that failed", async () => {
  const turns = new Turns();
  const failed = turns.run("a", BUDGET, () => Promise.reject(new Error("x")));
  const next = turns.run("a", BUDGET, async () => "next");
  await expect(failed).rejects.toThrow("x");
  expect(await next).toBe("next");
});

it("are given up in time and when the signal fires, and then never come", async () => {
  const turns = new Turns();
  const first = held(turns, "a");
  const abort = new AbortController();
  let ran = 0;
  const act = async () => ran++;
  const late = turns.run("a", { timeoutMs: 5, signal: undefined }, act);
  const aborted = turns.run("a", { timeoutMs: 10_000, signal: abort.signal }, act);
  await expect(late).rejects.toThrow(UnavailableError);
  abort.abort();
  await expect(aborted).rejects.toThrow(AbortedError);
  first.end();
  await turns.run("a", BUDGET, async () => undefined);
  expect(ran).toBe(0);
});

it("are refused when ten thousand wait, and idle is when none is taken", async () => {
  const turns = new Turns();
  const first = held(turns, "a");
  const waiting = Array.from({ length: 10_000 }, () => turns.run("a", BUDGET, async () => 1));
  await expect(turns.run("a", BUDGET, async () => 1)).rejects.toThrow(OverloadedError);
  let isIdle = false;
  const idle = turns.whenIdle().then(() => (isIdle = true));
  expect(isIdle).toBe(false);
  first.end();
  expect(await Promise.all(waiting)).toHaveLength(10_000);
  await idle;
});
