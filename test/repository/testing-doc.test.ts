/** The program of doc/testing.md, run as it stands there. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const LIMIT_MS = 100_000;
const root = fileURLToPath(new URL("../..", import.meta.url));
const text = readFileSync(join(root, "doc/testing.md"), "utf8");
const [program = ""] = [...text.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1] ?? "");

/** Below the package, so that "skein" is the package itself. */
let folder: string;
beforeAll(() => {
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build/testing-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("doc/testing.md", () => {
  it("has a program that ends well, and does not if what it claims is not so", () => {
    expect(program).toContain("startTestCluster");
    run(program);
    const wrong = program.replace('cluster.kill("a");', "");
    expect(() => run(wrong)).toThrow("AssertionError");
  });

  it("names every member of the cluster that the program uses", () => {
    const used = [...program.matchAll(/cluster\.(\w+)/g)].map((match) => match[1]);
    const table = text.slice(text.indexOf("| member |"));
    for (const member of used) expect(table).toContain(`\`${member}`);
  });
});

function run(code: string): void {
  const file = join(folder, "program.mjs");
  writeFileSync(file, code);
  execFileSync(process.execPath, [file], { cwd: folder, timeout: LIMIT_MS, stdio: "pipe" });
}
