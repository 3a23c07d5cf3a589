/** The programs of doc/stores.md, run as they stand there, and its matrix. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conformanceNames } from "../../src/persistent-testing.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const document = readFileSync(join(root, "doc/stores.md"), "utf8");
const [example, collections, adapter, suite] = [...document.matchAll(/```js\n(.*?)```/gs)].map(
  (match) => match[1] ?? "",
);

/** Below the package, so that "skein" is the package itself. */
let folder: string;
beforeAll(() => {
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build/stores-doc-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(name: string, code: string | undefined): Promise<string> {
  writeFileSync(join(folder, name), code ?? "");
  const options = { cwd: folder, timeout: 100_000 };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [name], options);
  expect(stderr).toBe("");
  return stdout.trim();
}

describe("doc/stores.md", () => {
  it("has an example that finds what it stored", async () => {
    const lines = (await run("example.mjs", example)).split("\n");
    expect(lines).toEqual([
      "{ subscription: 'both', groups: [ 'Friends' ] }",
      "1 1700000000000001n Wherefore?",
    ]);
  });

  it("has a collection that holds what was set", async () => {
    const lines = (await run("collections.mjs", collections)).split("\n");
    expect(lines).toEqual(["false Romeo Montague", "romeo 17"]);
  });

  it("has an adapter that passes the suite and keeps a store", async () => {
    writeFileSync(join(folder, "map-adapter.mjs"), adapter ?? "");
    const lines = (await run("suite.mjs", suite)).split("\n");
    // Those of its one kind, and the ping.
    const count = conformanceNames.filter((name) => name.startsWith("keyval:")).length + 1;
    expect(lines).toEqual([`${count} claims hold`, "hello"]);
  });

  it("has a matrix of all claims, in which nothing failed", () => {
    const rows = [
      ...document.matchAll(/^\| ((?:keyval\+?|map|archive|adapter): .*?) \| (.*) \|$/gm),
    ];
    expect(rows.map((row) => row[1])).toEqual(conformanceNames);
    for (const [, , marks] of rows) expect(marks).toMatch(/^[✓–]( \| [✓–]){6}$/);
  });
});
