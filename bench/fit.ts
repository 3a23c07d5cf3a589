/** A polynomial through points, by least squares of the relative error. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** y = terms[0] + terms[1] × x + terms[2] × x² and so on. */
export interface Fit {
  readonly terms: readonly number[];
  /** The greatest distance of a point from the curve, as a share of the point's y. */
  readonly worst: number;
}

/**
 * Weighs each point by 1/y², so that 3 nodes count as much as 100. Needs more points of different
 * x than `degree`, with y above 0; NaN otherwise.
 */
export function fitCurve(points: readonly Point[], degree: number): Fit {
  const size = degree + 1;
  // Normal equations: one row for each term, the right side in the last column.
  const rows = Array.from({ length: size }, (_, row) => {
    const sum = (of: (point: Point) => number) =>
      points.reduce((all, point) => all + of(point) / (point.y * point.y), 0);
    return [
      ...Array.from({ length: size }, (_, column) => sum(({ x }) => x ** (row + column))),
      sum(({ x, y }) => y * x ** row),
    ];
  });
  const isSolvable = new Set(points.map(({ x }) => x)).size > degree;
  const terms = isSolvable ? solve(rows) : rows.map(() => Number.NaN);
  const errors = points.map(({ x, y }) => Math.abs(valueAt(terms, x) - y) / y);
  return { terms, worst: Math.max(...errors) };
}

function valueAt(terms: readonly number[], x: number): number {
  return terms.reduce((sum, term, power) => sum + term * x ** power, 0);
}

/** Gauss and Jordan. The diagonal of normal equations is positive, so rows stay in their order. */
function solve(rows: number[][]): number[] {
  for (const [at, pivotRow] of rows.entries()) {
    const pivot = pivotRow[at] ?? Number.NaN;
    for (const [column, value] of pivotRow.entries()) pivotRow[column] = value / pivot;
    for (const row of rows) {
      if (row === pivotRow) continue;
      const factor = row[at] ?? Number.NaN;
      for (const [column, value] of pivotRow.entries()) {
        row[column] = (row[column] ?? Number.NaN) - factor * value;
      }
    }
  }
  return rows.map((row) => row.at(-1) ?? Number.NaN);
}
