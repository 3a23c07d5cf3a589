import { expect, test } from "vitest";
import { changesOf, compareText } from "../../bench/compare.ts";
import { nameOf } from "../../bench/figure.ts";
import { figureAt } from "./figures.ts";

const rate = "insert/callers1/Skein/rate";
const p50 = "insert/callers1/Skein/p50Micros";

test("what moved by less than the windows spread is no change", () => {
  expect(changesOf([figureAt(rate, 90, 100, 110)], [figureAt(rate, 110, 130, 140)])).toEqual([]);
  expect(changesOf([figureAt(rate, 90, 100, 110)], [figureAt(rate, 111, 130, 140)])).toHaveLength(
    1,
  );
});

test("a rate that doubles is better, a latency that doubles is worse", () => {
  const before = [figureAt(rate, 100), figureAt(p50, 100)];
  const ratios = changesOf(before, [figureAt(rate, 200), figureAt(p50, 200)]);
  expect(Object.fromEntries(ratios.map(({ after, ratio }) => [nameOf(after), ratio]))).toEqual({
    [rate]: 2,
    [p50]: 0.5,
  });
});

test("the greatest change comes first, whichever way it goes", () => {
  const before = [figureAt(rate, 100), figureAt(p50, 100)];
  const [first] = changesOf(before, [figureAt(rate, 150), figureAt(p50, 1000)]);
  expect(first?.after.what).toBe("p50Micros");
});

test("figures of one run only are compared with nothing", () => {
  const kept = { format: 1, facts: ["Node.js 20"], seconds: {} } as const;
  const after = { ...kept, figures: [figureAt(rate, 200), figureAt(p50, 9)] };
  const text = compareText({ ...kept, figures: [figureAt(rate, 100)] }, after);
  expect(text).toContain("1 figures are in both runs");
  expect(text).toMatch(/insert\/callers1\/Skein\/rate +\| 100 \/s .*\| 200 \/s .*\| 2\.00×/);
  expect(text).not.toContain(p50);
});
