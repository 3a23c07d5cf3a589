/** The README's ten lines, run as they stand there by processes of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const [tenLines, more] = [
  ...readFileSync(join(root, "README.md"), "utf8").matchAll(/```js\n(.*?)```/gs),
].map((match) => match[1] ?? "");

/** Below the package, so that "skein" is the package itself. */
let folder: string;
const running: ChildProcess[] = [];

function start(file: string): { child: ChildProcess; lines: string[] } {
  const child = spawn(process.execPath, [file], { cwd: folder });
  const lines: string[] = [];
  running.push(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trim().split("\n")));
  }
  return { child, lines };
}

/** Names in the last two lines that were printed: two nodes are two names. */
const lastNames = (lines: readonly string[]): readonly string[] =>
  lines.slice(-2).map((line) => line.split(" ")[0] ?? "");

beforeAll(() => {
  mkdirSync(join(root, "build"), { recursive: true });
  folder = mkdtempSync(join(root, "build/readme-"));
});
afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

describe("README", () => {
  it("has ten lines that make a cluster, in which rows go with their node", async () => {
    writeFileSync(join(folder, "hello.mjs"), tenLines ?? "");
    expect(tenLines?.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(11);
    const one = start("hello.mjs");
    const two = start("hello.mjs");
    const told = (): string => [...one.lines, ...two.lines].join("\n");
    await vi.waitFor(
      () => {
        for (const { lines } of [one, two]) expect(new Set(lastNames(lines)).size, told()).toBe(2);
      },
      { timeout: 100_000, interval: 100 },
    );
    two.child.kill("SIGINT");
    await vi.waitFor(
      () => {
        expect(two.child.exitCode, told()).toBe(0);
        expect(new Set(lastNames(one.lines)).size, told()).toBe(1);
      },
      { timeout: 60_000, interval: 100 },
    );
  });

  it("has a second example that finds what it set", async () => {
    const setup = (tenLines ?? "").split("\n").slice(0, 5);
    const code = [...setup, more, "await node.leave();", "process.exit();"].join("\n");
    writeFileSync(join(folder, "more.mjs"), code.replace("hello.db", "more.db"));
    const { child, lines } = start("more.mjs");
    await vi.waitFor(() => expect(child.exitCode, lines.join("\n")).toBe(0), { timeout: 60_000 });
    const key = "[ 'example.com', 'alice', 'phone' ]";
    expect(lines).toEqual([`${key} { user: 'alice', priority: 5 }`, key]);
  });
});
