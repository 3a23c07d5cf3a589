import { expect, test } from "vitest";
import { fitCurve } from "../../bench/fit.ts";

const SIZES = [3, 10, 30, 100];

test("points on a line give that line", () => {
  const line = fitCurve(
    SIZES.map((x) => ({ x, y: 7 + 2.5 * x })),
    1,
  );
  expect(line.terms[0]).toBeCloseTo(7, 6);
  expect(line.terms[1]).toBeCloseTo(2.5, 6);
  expect(line.worst).toBeCloseTo(0, 9);
});

test("points on a parabola give that parabola, and no line", () => {
  const points = SIZES.map((x) => ({ x, y: 7 + 2.5 * x + 0.25 * x * x }));
  const curve = fitCurve(points, 2);
  for (const [power, term] of [7, 2.5, 0.25].entries()) {
    expect(curve.terms[power]).toBeCloseTo(term, 6);
  }
  expect(fitCurve(points, 1).worst).toBeGreaterThan(0.1);
});

test("a point that is off by a tenth counts the same whether it is small or great", () => {
  const points = SIZES.map((x) => ({ x, y: 10 * x }));
  const low = points.map((point) => (point.x === 3 ? { x: 3, y: 33 } : point));
  const high = points.map((point) => (point.x === 100 ? { x: 100, y: 1100 } : point));
  // An unweighted fit would be off by 10 % at 3 nodes for the sake of 100.
  expect(fitCurve(low, 1).worst).toBeLessThan(0.08);
  expect(fitCurve(high, 1).worst).toBeLessThan(0.08);
});

test("too few sizes give nothing", () => {
  expect(fitCurve([{ x: 3, y: 5 }], 1).terms[1]).toBeNaN();
  const two = [3, 10].map((x) => ({ x, y: x }));
  expect(fitCurve(two, 2).terms[2]).toBeNaN();
});
