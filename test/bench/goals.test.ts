import { expect, test } from "vitest";
import { type Figure, Figures } from "../../bench/figure.ts";
import { goalsMarkdown } from "../../bench/goals-table.ts";
import { judge } from "../../bench/judge.ts";
import { figureAt } from "./figures.ts";

function judged(title: string, ...figures: Figure[]) {
  const found = judge(figures).find(({ goal }) => goal.title === title);
  if (!found) throw new Error(`there is no goal "${title}"`);
  return found;
}

test("a rate stands for its windows by the median, a stall by the longest", () => {
  const figures = new Figures("insert");
  const windows = { rate: [3, 1, 2], writeStallMs: [3, 9, 2], p50Micros: [Number.NaN] };
  figures.add({ case: "callers1", side: "Skein" }, windows);
  expect(figures.list).toMatchObject([
    { what: "rate", value: 2, low: 1, high: 3, windows: 3 },
    { what: "writeStallMs", value: 9, low: 2, high: 9 },
  ]);
});

test("a target in multiples of CETS is scaled by the peer of the run", () => {
  const peer = figureAt("insert/callers100/Mnesia/rate", 23_900);
  const title = "set, 100 callers on one node";
  // The peer is half as quick here, so CETS's 60 k/s count as 30 k/s, and three times that is asked.
  const enough = judged(title, figureAt("insert/callers100/Skein/rate", 90_001), peer);
  expect(enough).toMatchObject({ cetsHere: 30_000, target: 90_000, isReached: true });
  const tooLittle = judged(title, figureAt("insert/callers100/Skein/rate", 89_000), peer);
  expect(tooLittle.isReached).toBe(false);
});

test("without that peer CETS's own figure counts", () => {
  const alone = judged(
    "set, 100 callers on one node",
    figureAt("insert/callers100/Skein/rate", 179_000),
  );
  expect(alone).toMatchObject({ target: 180_000, isReached: false });
});

test("a latency is to be smaller, and a slower machine may take longer", () => {
  const title = "set, 1 caller, p50";
  const slow = judged(
    title,
    figureAt("insert/callers1/Skein/p50Micros", 91),
    figureAt("insert/callers1/Mnesia/p50Micros", 99),
  );
  expect(slow).toMatchObject({ target: 92, isReached: true });
  expect(judged(title, figureAt("insert/callers1/Skein/p50Micros", 47)).isReached).toBe(false);
});

test("of two ends the worse one is judged", () => {
  const title = "longest stall of a writer in it, both ends";
  const full = figureAt("join/rows1m/Skein/writeStallMs", 4);
  expect(judged(title, full).isReached).toBe(true);
  const joiner = figureAt("join/rows1m/Skein, joiner/writeStallMs", 11);
  expect(judged(title, full, joiner)).toMatchObject({ isReached: false, ours: { value: 11 } });
});

test("what was not run is said not to have been run, and counts for nothing", () => {
  const text = goalsMarkdown([figureAt("form/nodes8/Skein/timeMs", 1500)]);
  expect(text).toContain("Of 12 lines 1 are reached, 0 are not, 11 were not run in full.");
  expect(text).toMatch(/8 nodes × 10 tables formed .* 1\.50 s +\| yes/);
  expect(text).toMatch(/join, 1 M rows .* not run +\| not run/);
});

test("a goal measured by a peer is not judged without it", () => {
  const title = "set on 3 nodes beside pipelined sets of Redis, 1,000 callers";
  const ours = figureAt("redis/set1000/Skein/rate", 100);
  expect(judged(title, ours).isReached).toBeUndefined();
  const slower = figureAt("redis/set1000/Redis/rate", 99);
  expect(judged(title, ours, slower).isReached).toBe(true);
});

test("a target that what does less misses as well is said to be beyond its floor", () => {
  const target = "set, 1,000 callers on one node";
  const ours = figureAt("insert/callers1000/Skein/rate", 60_000);
  const slow = figureAt("insert/callers1000/bare copy/rate", 120_000);
  const quick = figureAt("insert/callers1000/bare copy/rate", 252_001);
  expect(judged(target, ours, slow)).toMatchObject({ floor: 120_000, target: 252_000 });
  expect(goalsMarkdown([ours, slow])).toContain("1 ask for more than their floor");
  expect(goalsMarkdown([ours, quick])).toContain("0 ask for more than their floor");
});

test("the floor of a single set is an echo, whatever a copy of Maps takes", () => {
  const copy = figureAt("insert/callers1/bare copy/p50Micros", 166);
  const echo = figureAt("insert/callers1/bare ws/p50Micros", 115);
  expect(judged("set, 1 caller, p50", copy, echo).floor).toBe(115);
});

test("the floor of what takes several messages is so many echoes", () => {
  const title = "insertNew off the leader, 1 caller";
  const echo = figureAt("insert-new/callers1/bare ws/rate", 9000);
  expect(judged(title, echo).floor).toBe(6000);
});

test("a floor of another kind is compared in the same unit", () => {
  const title = "stall of a write, peer killed";
  const ours = figureAt("down/killed/Skein/writeStallMs", 30);
  const closed = figureAt("down/killed/kernel/closedMs", 13, 24);
  expect(judged(title, ours, closed)).toMatchObject({ floor: 24, isReached: false });
  expect(goalsMarkdown([ours, closed])).toMatch(/peer killed .* nor is the floor/);
});
