/** Figures as a run would have found them. */
import { type Figure, Figures, type What } from "../../bench/figure.ts";

/** One figure, by "benchmark/case/side/what". */
export function figureAt(name: string, ...values: number[]): Figure {
  const [benchmark = "", id = "", side = "", what = ""] = name.split("/");
  const figures = new Figures(benchmark);
  const measured: Partial<Record<What, number[]>> = { [what]: values };
  figures.add({ case: id, side }, measured);
  const [figure] = figures.list;
  if (!figure) throw new Error(`${name} makes no figure`);
  return figure;
}
