/** How the tests run. `npm test` starts here. */
import { defineConfig } from "vitest/config";
import { TestReport } from "./scripts/test-report.mjs";

/** Tells a test that hangs, not a machine that is slow. */
const LIMIT_MS = 120_000;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: LIMIT_MS,
    hookTimeout: LIMIT_MS,
    teardownTimeout: LIMIT_MS,
    // On a terminal a live list, elsewhere a line for each file; then why tests were skipped.
    reporters: ["default", new TestReport()],
  },
});
