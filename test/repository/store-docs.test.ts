/** The programs of doc/archive.md and doc/roster.md, run as they stand there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MessageArchive } from "../../src/persistent/mam/message-archive.ts";
import { RosterStore } from "../../src/persistent/roster/roster-store.ts";

const LIMIT_MS = 100_000;
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Below the package, so that "skein" is the package itself. */
let folder: string;
beforeAll(() => {
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build/store-docs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  { file: "doc/archive.md", of: MessageArchive, wrong: ["total, 2", "total, 3"], but: ["stop"] },
  { file: "doc/roster.md", of: RosterStore, wrong: ['"changes"', '"whole"'], but: [] },
])("$file", ({ file, of, wrong, but }) => {
  const text = readFileSync(join(root, file), "utf8");
  const [program = ""] = [...text.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? "");

  it("has a program that ends well, and does not if what it claims is not so", () => {
    run(program);
    const [right = "", other = ""] = wrong;
    expect(program).toContain(right);
    expect(() => run(program.replace(right, other))).toThrow("AssertionError");
  });

  it("has a line for each call, and no other", () => {
    const known = Object.getOwnPropertyNames(of.prototype).filter((name) => name !== "constructor");
    const told = [...text.matchAll(/^\| `(\w+)\(/gm)].map((match) => match[1]);
    expect([...told, ...but].sort()).toEqual(known.sort());
  });
});

function run(code: string): void {
  const file = join(folder, "program.mjs");
  writeFileSync(file, code);
  const { DATABASE_URL: _, ...env } = process.env;
  execFileSync(process.execPath, [file], { cwd: folder, env, timeout: LIMIT_MS, stdio: "pipe" });
  for (const name of ["messages.db", "rosters.db"]) {
    for (const tail of ["", "-wal", "-shm"]) rmSync(join(folder, name + tail), { force: true });
  }
}
