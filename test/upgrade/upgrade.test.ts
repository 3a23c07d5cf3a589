/** Two versions in one cluster: the first released one, and the one that stands here. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { builtRelease, FIRST_RELEASE, whyAbsent } from "./released.ts";
import { Rolling } from "./rolling.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const today = pathToFileURL(join(root, "build/src/index.js")).href;
const LIMIT_MS = 110_000;

const absent = whyAbsent(FIRST_RELEASE);
const isDemanded = process.env.CI === "true" || process.env.SKEIN_NO_SKIP === "1";
if (absent !== null && isDemanded) throw new Error(absent);
const title = absent === null ? "" : ` (skipped: ${absent})`;

describe.skipIf(absent !== null)(`a cluster of two versions${title}`, () => {
  let folder = "";
  let rolling: Rolling | undefined;
  let released = "";

  beforeAll(() => {
    execFileSync(process.execPath, [join(root, "scripts/setup.mjs"), "tools"], { stdio: "pipe" });
    released = builtRelease(FIRST_RELEASE);
  }, 180_000);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skein-upgrade-"));
  });
  afterEach(async () => {
    await rolling?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(["upgraded", "taken back"])(
    "is %s node by node under load, and loses nothing that was acknowledged",
    async (way) => {
      const [from, to] = way === "upgraded" ? [released, today] : [today, released];
      rolling = new Rolling({ from, to, folder });
      const { verdict, rejected, longestMs, mixedWrites } = await rolling.run();
      expect(verdict.faults).toEqual([]);
      expect(rejected).toEqual([]);
      expect(mixedWrites).toBeGreaterThanOrEqual(600);
      expect(verdict.checked).toBeGreaterThan(100);
      // A node that is killed is waited for until its host has refused a redial for long enough.
      expect(longestMs).toBeLessThan(10_000);
    },
    LIMIT_MS,
  );
});
