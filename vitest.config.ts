/** How the tests run. `npm test` starts here; SKEIN_TEST_JSON names a file for the counts. */
import { defineConfig } from "vitest/config";
import { SkipReporter } from "./scripts/skip-reporter.mjs";

const json = process.env.SKEIN_TEST_JSON;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    // On a terminal a live list, elsewhere a line for each file; then why tests were skipped.
    reporters: ["default", new SkipReporter(), ...(json ? ["json"] : [])],
    ...(json ? { outputFile: { json } } : {}),
  },
});
