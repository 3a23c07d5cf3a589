/** A straight line through points, by least squares of the relative error. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** y = a + b × x. */
export interface Line {
  readonly a: number;
  readonly b: number;
  /** The greatest distance of a point from the line, as a share of the point's y. */
  readonly worst: number;
}

/**
 * Weighs each point by 1/y², so that 3 nodes count as much as 100. Needs points of two different
 * x with y above 0; NaN otherwise.
 */
export function fitLine(points: readonly Point[]): Line {
  let [weights, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
  for (const { x, y } of points) {
    const weight = 1 / (y * y);
    weights += weight;
    sumX += weight * x;
    sumY += weight * y;
    sumXX += weight * x * x;
    sumXY += weight * x * y;
  }
  const b = (weights * sumXY - sumX * sumY) / (weights * sumXX - sumX * sumX);
  const a = (sumY - b * sumX) / weights;
  const errors = points.map(({ x, y }) => Math.abs(a + b * x - y) / y);
  return { a, b, worst: Math.max(...errors) };
}
