/**
 * A reporter for vitest, beside vitest's own. After the run it lists each skipped test with its
 * reason. With SKEIN_NO_SKIP=1 (the gate) skipped tests, and a run without tests, fail the run.
 * SKEIN_TEST_REPORT names a file for what the gate shows: "PASSED FAILED", then a line for each of
 * the first faults. Skipped and unfinished tests, hooks and files that fail, and errors outside of
 * any test count as failed, so that a gap never looks like a success.
 */
import { writeFileSync } from "node:fs";

/** Faults that are named. */
const MAX_NAMED = 20;
/** Characters of one such line. */
const LINE = 200;

/** What a run left behind. */
export class TestReport {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const isStrict = process.env.SKEIN_NO_SKIP === "1";
    const skipped = tests.filter((test) => test.result().state === "skipped");
    for (const test of skipped) {
      const reason = test.result().note ?? "no reason given";
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName} (${reason})`);
    }
    if (isStrict && skipped.length > 0) {
      console.log(`${skipped.length} skipped: SKEIN_NO_SKIP=1 forbids that`);
    }
    if (isStrict && (skipped.length > 0 || tests.length === 0)) process.exitCode = 1;

    const file = process.env.SKEIN_TEST_REPORT;
    if (file === undefined) return;
    const passed = tests.filter((test) => test.result().state === "passed").length;
    const faults = [
      ...unhandledErrors.map((error) => `outside of any test: ${said([error])}`),
      ...modules.flatMap((module) => [...brokenGroups(module)]),
      ...tests.filter((test) => test.result().state !== "passed").map(fault),
    ];
    const lines = faults.slice(0, MAX_NAMED).map((line) => line.split("\n", 1)[0].slice(0, LINE));
    writeFileSync(file, [`${passed} ${faults.length}`, ...lines, ""].join("\n"));
  }
}

/** The file if it could not be loaded, and each group with a hook that failed. */
function* brokenGroups(module) {
  const path = module.relativeModuleId;
  if (module.errors().length > 0) yield `${path}: ${said(module.errors())}`;
  for (const suite of module.children.allSuites()) {
    if (suite.errors().length > 0) yield `${path} > ${suite.fullName}: ${said(suite.errors())}`;
  }
}

function fault(test) {
  const { state, errors } = test.result();
  return `${test.module.relativeModuleId} > ${test.fullName}: ${errors?.length ? said(errors) : state}`;
}

function said([error]) {
  return `${error.name ?? "Error"}: ${error.message}`;
}
