/**
 * Counts what vitest's JSON report says: `node scripts/count-tests.mjs REPORT EXIT_CODE` prints
 * "passed failed". Skipped and unfinished tests, files that could not be loaded and a run that
 * failed for another reason count as failed, so that a gap never looks like a success.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * @param {{ testResults: { status: string, assertionResults: { status: string }[] }[] } | undefined} report
 * @param {number} exitCode
 * @returns {{ passed: number, failed: number }}
 */
export function countTests(report, exitCode) {
  let passed = 0;
  let failed = 0;
  for (const file of report?.testResults ?? []) {
    const results = file.assertionResults.map((each) => each.status);
    const good = results.filter((status) => status === "passed").length;
    passed += good;
    failed += results.length - good;
    if (good === results.length && file.status !== "passed") failed++;
  }
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1;
  return { passed, failed };
}

function main() {
  const [file, exitCode] = process.argv.slice(2);
  let report;
  try {
    report = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`no report of the tests: ${error.message}`);
  }
  const { passed, failed } = countTests(report, Number(exitCode));
  console.log(`${passed} ${failed}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
