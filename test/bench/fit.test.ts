import { expect, test } from "vitest";
import { fitLine } from "../../bench/fit.ts";

test("points on a line give that line", () => {
  const line = fitLine([3, 10, 30, 100].map((x) => ({ x, y: 7 + 2.5 * x })));
  expect(line.a).toBeCloseTo(7, 9);
  expect(line.b).toBeCloseTo(2.5, 9);
  expect(line.worst).toBeCloseTo(0, 9);
});

test("a point that is off by a tenth counts the same whether it is small or great", () => {
  const points = [3, 10, 30, 100].map((x) => ({ x, y: 10 * x }));
  const low = fitLine(points.map((point) => (point.x === 3 ? { x: 3, y: 33 } : point)));
  const high = fitLine(points.map((point) => (point.x === 100 ? { x: 100, y: 1100 } : point)));
  // An unweighted fit would be off by 10 % at 3 nodes for the sake of 100.
  expect(low.worst).toBeLessThan(0.08);
  expect(high.worst).toBeLessThan(0.08);
});

test("one size alone gives no line", () => {
  expect(fitLine([{ x: 3, y: 5 }]).b).toBeNaN();
});
