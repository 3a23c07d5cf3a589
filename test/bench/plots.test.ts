import { expect, test } from "vitest";
import { plotsOf } from "../../bench/plots.ts";
import { figureAt } from "./figures.ts";

test("each benchmark that was run has a plot, and no other", () => {
  const plots = plotsOf([
    figureAt("insert/callers1/Skein/rate", 10),
    figureAt("heal/ops/Skein/timeMs", 10),
    figureAt("heal/ops/Skein/readStallMs", 1),
  ]);
  expect(plots.map(({ file }) => file)).toEqual(["insert-rate.svg", "heal-timeMs.svg"]);
});

test("a bar is longer the greater its figure is, and says it", () => {
  const [plot] = plotsOf([
    figureAt("insert/callers1/Skein/rate", 1000, 900, 1100),
    figureAt("insert/callers1/Mnesia/rate", 10_000),
    figureAt("insert/callers100/Skein/rate", 100_000),
  ]);
  const svg = plot?.svg ?? "";
  const widths = [...svg.matchAll(/<rect x="270" .* width="([\d.]+)"/g)].map((each) =>
    Number(each[1]),
  );
  expect(widths).toHaveLength(3);
  expect(widths).toEqual([...widths].sort((a, b) => a - b));
  expect(svg).toContain("10.0 k/s");
  expect(svg).toContain("callers100");
});

test("costs by nodes are curves, one for each way to write", () => {
  const figures = [3, 10, 100].flatMap((nodes) => [
    figureAt(`scale/one of ${nodes}/Skein/cpuMicros`, 10 * nodes),
    figureAt(`scale/all of ${nodes}/Skein/cpuMicros`, 20 * nodes),
  ]);
  const [plot] = plotsOf(figures);
  expect([...(plot?.svg ?? "").matchAll(/<circle /g)]).toHaveLength(6);
  expect(plot?.svg).toContain("Skein, all write");
});

test("a name with markup stays text, and a figure of zero has a place", () => {
  const [plot] = plotsOf([
    figureAt("idle/<b>&/Skein/bytesPerSecond", 200),
    figureAt("idle/link/Mnesia/bytesPerSecond", 0),
  ]);
  expect(plot?.svg).toContain("&lt;b&gt;&amp;");
  expect(plot?.svg).not.toContain("NaN");
});
