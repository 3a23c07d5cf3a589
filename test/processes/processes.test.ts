/** The run with real processes in its quick form; `npm run processes` is the long one. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postgres } from "../servers/postgres.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "skein-processes-test-"));
const LIMIT_MS = 150_000;

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/setup.mjs"), "tools"], { stdio: "pipe" });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("five node processes", () => {
  it(
    "hold every claim while one is killed, one is stopped and the database is away",
    async () => {
      const at = postgres.isInstalled() ? [] : ["--url", `sqlite:${join(folder, "nodes.db")}`];
      const program = join(root, "build/test/processes/main.js");
      const { status, output } = await run([program, "--quick", ...at]);
      expect(output).not.toContain("FAILED");
      expect({ status, output }).toMatchObject({ status: 0 });
      expect(output.match(/^held/gm)?.length).toBeGreaterThanOrEqual(11);
    },
    LIMIT_MS,
  );
});

function run(command: readonly string[]): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", timeout: LIMIT_MS - 5000 } as const;
    execFile(process.execPath, [...command], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? 1);
      resolve({ status, output: `${stdout}${stderr}` });
    });
  });
}
