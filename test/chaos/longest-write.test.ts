/** Which write of a run was the longest. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { longestWrite } from "./longest-write.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-longest-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function log(node: string, writes: readonly { at: number; ms: number }[]): void {
  const lines = writes.flatMap(({ at, ms }, id) => [
    JSON.stringify({ id, at }),
    JSON.stringify({ acknowledged: id, ms }),
  ]);
  writeFileSync(join(folder, `writes-${node}-1.ndjson`), `${lines.join("\n")}\n{"id": 9, "a`);
}

it("the longest acknowledged write is found over all nodes, torn lines left out", () => {
  log("a", [{ at: 100, ms: 5 }]);
  log("b", [
    { at: 200, ms: 70 },
    { at: 300, ms: 7 },
  ]);
  expect(longestWrite(folder, [])).toEqual({ node: "b", at: 200, ms: 70 });
});

it("a write that waited while its own node was stopped does not count, others' stops do", () => {
  log("a", [{ at: 100, ms: 50 }]);
  log("b", [{ at: 200, ms: 70 }]);
  expect(longestWrite(folder, [{ node: "b", from: 150, to: 201 }])).toMatchObject({ node: "a" });
  expect(longestWrite(folder, [{ node: "a", from: 150, to: 201 }])).toMatchObject({ node: "b" });
});
