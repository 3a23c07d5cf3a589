/** The judge of serial calls, on logs that are written by hand: it must see each fault. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { judgeSerial } from "./serial-judge.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-serial-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function log(node: string, calls: readonly { key: string; result?: unknown }[]): void {
  const lines = calls.flatMap(({ key, result }, id) => [
    JSON.stringify({ id, call: key === "counter" ? "count" : "race", key, by: node }),
    JSON.stringify(result === undefined ? { failed: id, code: "unknown" } : { done: id, result }),
  ]);
  writeFileSync(join(folder, `serial-${node}-1.ndjson`), `${lines.join("\n")}\n{"id": 9, "ca`);
}

const ROWS = { counter: { n: 3, by: "b" }, "name 1": { n: 0, by: "a" } };

it("callers that were told of different numbers, and one winner, are no fault", () => {
  log("a", [
    { key: "counter", result: 0 },
    { key: "name 1", result: true },
  ]);
  log("b", [{ key: "counter", result: 2 }, { key: "name 1", result: false }, { key: "counter" }]);
  const failed = { unknown: 1 };
  expect(judgeSerial(folder, ROWS)).toEqual({ raised: 2, names: 1, failed, faults: [] });
});

it("two that raised the same number are a fault", () => {
  log("a", [{ key: "counter", result: 1 }]);
  log("b", [{ key: "counter", result: 1 }]);
  expect(judgeSerial(folder, ROWS).faults).toEqual(["a and b both raised 1"]);
});

it("two winners of one name are a fault", () => {
  log("a", [{ key: "name 1", result: true }]);
  log("b", [{ key: "name 1", result: true }]);
  expect(judgeSerial(folder, ROWS).faults).toContain("a and b both won name 1");
});

it("a counter that has forgotten, and a name that is another's, are faults", () => {
  log("b", [
    { key: "counter", result: 3 },
    { key: "name 1", result: true },
  ]);
  expect(judgeSerial(folder, ROWS).faults).toEqual([
    "the counter ends at 3, somebody was told of 4",
    "b won name 1, which is a's",
  ]);
});
