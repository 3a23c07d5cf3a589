/**
 * A reporter for vitest: lists each skipped test with its reason at the end. With SKEIN_NO_SKIP=1
 * (the gate) skipped tests, and a run without tests, fail the run.
 */
export class SkipReporter {
  onTestRunEnd(modules) {
    const forbidden = process.env.SKEIN_NO_SKIP === "1";
    const skipped = modules.flatMap((module) => [...module.children.allTests("skipped")]);
    const count = modules.reduce((sum, each) => sum + [...each.children.allTests()].length, 0);
    for (const test of skipped) {
      const reason = test.result()?.note ?? "no reason given";
      console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName} (${reason})`);
    }
    if (!forbidden) return;
    if (skipped.length > 0) console.log(`${skipped.length} skipped: SKEIN_NO_SKIP=1 forbids that`);
    if (skipped.length > 0 || count === 0) process.exitCode = 1;
  }
}
