/** The judge of a run, on runs of two nodes that are written by hand: it must see each fault. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Verdict } from "./compare.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const OWN = ["own", "a", 1, 0];
let folder = "";

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/setup.mjs"), "tools"], { stdio: "pipe" });
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-compare-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function row(n: number, more: object = {}): object {
  const value = { user: "a", n };
  const about = { version: `1.${n}`, ownerOrigin: 1, writtenAt: n, hidden: false };
  return { table: "sessions", key: OWN, value, ...about, ...more };
}

function index(...keys: readonly unknown[]): object {
  return { table: "sessions", index: "user", of: "a", keys };
}

function write(file: string, lines: readonly object[]): void {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  writeFileSync(join(folder, `${file}.ndjson`), text);
}

/** The log of node a: a set that was acknowledged, and what a test adds. */
function log(...more: readonly object[]): void {
  const set = { id: 1, table: "sessions", key: OWN, op: "set", n: 0, at: 1 };
  const acknowledged = { acknowledged: 1, ms: 1, nodes: 1, alone: false, applied: true };
  write("writes-a-1", [{ name: "a", origin: 1 }, set, acknowledged, ...more]);
}

function judge(live: Record<string, number> = { a: 1, b: 2 }): Verdict {
  const tables = [{ name: "sessions", type: "set", lifetime: "node", indexed: true }];
  writeFileSync(join(folder, "facts.json"), JSON.stringify({ tables, live, dead: [] }));
  const script = join(root, "build/test/processes/compare.js");
  const { status, stdout } = spawnSync(process.execPath, [script, folder], { encoding: "utf8" });
  const verdict: Verdict = JSON.parse(stdout);
  expect(status).toBe(verdict.faults.length === 0 ? 0 : 1);
  return verdict;
}

describe("the judge of a run", () => {
  it("finds nothing wrong with two nodes that hold what was acknowledged", () => {
    log();
    for (const node of ["a", "b"]) write(`dump-${node}`, [row(0), index(OWN)]);
    expect(judge()).toEqual({ rows: 1, acknowledged: 1, rejected: 0, checked: 1, faults: [] });
  });

  it("takes a later write that was not acknowledged for done or not done", () => {
    const later = { id: 3, table: "sessions", key: OWN, op: "delete", n: 1, at: 2 };
    log(later, { rejected: 3, ms: 1, code: "x" });
    for (const node of ["a", "b"]) write(`dump-${node}`, []);
    expect(judge().faults).toEqual(["the dumps are empty"]);
    for (const node of ["a", "b"]) write(`dump-${node}`, [row(0), index(OWN)]);
    expect(judge().faults).toEqual([]);
  });

  it.each([
    ["rows that differ", [row(0), index(OWN)], [row(0, { version: "1.9" }), index(OWN)], "differ"],
    ["a row too few", [row(0), index(OWN)], [], "differ"],
    [
      "an acknowledged row that is older",
      [row(-1), index(OWN)],
      [row(-1), index(OWN)],
      "is -1, not",
    ],
    [
      "one that is hidden",
      [row(0, { hidden: true })],
      [row(0, { hidden: true })],
      "is absent, not",
    ],
    [
      "an index that misses a row",
      [row(0), index(OWN)],
      [row(0), index()],
      "the index of sessions",
    ],
  ])("sees %s", (_, atA, atB, fault) => {
    log();
    write("dump-a", atA);
    write("dump-b", atB);
    expect(judge().faults.join()).toContain(fault);
  });

  it("sees rows of an incarnation that has ended, even hidden ones", () => {
    log();
    const left = row(0, { key: "x", ownerOrigin: 9, hidden: true });
    for (const node of ["a", "b"]) write(`dump-${node}`, [row(0), left, index(OWN)]);
    expect(judge().faults.join()).toContain("rows of dead incarnations");
  });

  it("sees a node whose dump is missing", () => {
    log();
    write("dump-a", [row(0), index(OWN)]);
    expect(judge().faults).toEqual(["1 dumps of 2 nodes"]);
  });

  it("sees a patch that did not find the row of its own node", () => {
    const patch = { id: 3, table: "sessions", key: OWN, op: "patch", n: 1, at: 2 };
    log(patch, { acknowledged: 3, ms: 1, nodes: 1, alone: false, applied: false });
    for (const node of ["a", "b"]) write(`dump-${node}`, [row(1), index(OWN)]);
    expect(judge().faults.join()).toContain("found no row");
  });
});
