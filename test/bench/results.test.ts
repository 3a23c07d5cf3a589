import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keptOf, readKept, timesTaken, writeKept } from "../../bench/results.ts";
import { figureAt } from "./figures.ts";

const folder = mkdtempSync(join(tmpdir(), "skein-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

const report = { name: "read", notes: [], sheets: [], behind: [] };
const figures = [figureAt("read/text rows100k/Skein/rate", 1_000_000)];
const run = [{ report: { ...report, figures }, seconds: 12.4 }];

test("figures that are kept are read back as they were", () => {
  const file = join(folder, "kept.json");
  const kept = keptOf(["Node.js 20"], run);
  writeKept(file, kept);
  expect(readKept(file)).toEqual(kept);
  expect(kept.seconds).toEqual({ read: 12.4 });
});

test("a file of something else is refused by name", () => {
  const file = join(folder, "other.json");
  for (const text of ["null", "[]", '{"format":2,"figures":[]}', '{"format":1}']) {
    writeFileSync(file, text);
    expect(() => readKept(file)).toThrow(`${file} holds no figures of format 1`);
  }
});

test("the time that each benchmark took is told", () => {
  expect(timesTaken(run)).toBe("read 12 s; 12 s in all");
});
