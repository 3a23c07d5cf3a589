/**
 * Counts what vitest's JSON report says: `node scripts/count-tests.mjs REPORT EXIT_CODE` prints
 * "passed failed", then a line for each of the first tests that failed. Skipped and unfinished
 * tests, files that could not be loaded and a run that failed for another reason count as failed,
 * so that a gap never looks like a success.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Failed tests that are named. */
const MAX_NAMED = 20;
/** Characters of one such line. */
const LINE = 200;

/**
 * @typedef {{ status: string, fullName: string, failureMessages: string[] }} Test
 * @typedef {{ status: string, name: string, message: string, assertionResults: Test[] }} TestFile
 */

/**
 * @param {{ testResults: TestFile[] } | undefined} report
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

/**
 * Each failed test or file with the first line of what it said.
 * @param {{ testResults: TestFile[] } | undefined} report
 * @returns {string[]}
 */
export function failedTests(report) {
  const lines = [];
  for (const file of report?.testResults ?? []) {
    const path = relative(process.cwd(), file.name);
    const failed = file.assertionResults.filter((each) => each.status !== "passed");
    if (failed.length === 0 && file.status !== "passed") lines.push(`${path}: ${file.message}`);
    for (const { fullName, status, failureMessages } of failed) {
      lines.push(`${path} > ${fullName}: ${failureMessages[0] ?? status}`);
    }
  }
  return lines.slice(0, MAX_NAMED).map((line) => line.split("\n", 1)[0].slice(0, LINE));
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
  console.log([`${passed} ${failed}`, ...failedTests(report)].join("\n"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
