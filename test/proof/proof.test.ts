/** What `npm run proof` shows, but for the three scenes that judge by the clock. */
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 110_000;

beforeAll(() => {
  execFileSync(process.execPath, [join(root, "scripts/setup.mjs"), "tools"], { stdio: "pipe" });
});

describe("the proof against CETS, with real processes", () => {
  it(
    "shows that writers of one key leave equal copies, and that what is deleted stays deleted",
    async () => {
      const { status, output } = await run("race", "split");
      expect({ status, output }).toMatchObject({ status: 0 });
      expect(output).toMatch(/^held .*no key differs: 0 differ on 3 nodes; \d+ keys had writes/m);
      expect(output).toMatch(/^held .*stays deleted.*a: gone, b: 2 on one node/m);
    },
    LIMIT_MS,
  );

  it("refuses a scene that it does not have", async () => {
    const { status, output } = await run("rase");
    expect({ status, output }).toEqual({
      status: 2,
      output: expect.stringContaining("--only is rase, allowed are race, split, hang, kill, form"),
    });
  });
});

function run(...scenes: readonly string[]): Promise<{ status: number; output: string }> {
  const program = join(root, "build/test/proof/main.js");
  const only = scenes.flatMap((scene) => ["--only", scene]);
  return new Promise((resolve) => {
    const options = { encoding: "utf8", timeout: LIMIT_MS - 5000 } as const;
    execFile(process.execPath, [program, ...only], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : Number(error.code ?? 1);
      resolve({ status, output: `${stdout}${stderr}` });
    });
  });
}
