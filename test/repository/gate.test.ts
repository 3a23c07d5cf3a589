/** .ci/run and what it counts with: nothing that is missing, skipped or broken may look green. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { TemporaryRepository } from "./temporary-repository.ts";

let repository: TemporaryRepository;
afterEach(() => repository.remove());

/** The tests of a small suite, run by the real vitest with the real configuration. */
function makeSuite(tests: Readonly<Record<string, string>>): void {
  repository = new TemporaryRepository(["vitest.config.ts", "scripts/test-report.mjs"]);
  repository.write("package.json", '{ "type": "module" }');
  repository.linkPackages("vitest");
  for (const [name, body] of Object.entries(tests)) {
    const file = `import { expect, it } from "vitest";\n${body}\n`;
    repository.write(`test/${name}.test.ts`, file);
  }
}

interface SuiteRun {
  readonly counts: string;
  /** What is said of each test that failed. */
  readonly failed: readonly string[];
  readonly output: string;
}

async function runSuite(env: NodeJS.ProcessEnv): Promise<SuiteRun> {
  const report = repository.path("report.txt");
  const vitest = ["node_modules/vitest/vitest.mjs", "run"];
  const own = { VITEST: undefined, VITEST_MODE: undefined, VITEST_POOL_ID: undefined };
  const run = await repository.run(process.execPath, vitest, {
    ...own,
    SKEIN_TEST_REPORT: report,
    SKEIN_NO_SKIP: undefined,
    ...env,
  });
  const [counts, ...failed] = readFileSync(report, "utf8").trim().split("\n");
  return { counts: `${counts}, exit ${run.code}`, failed, output: run.output };
}

const good = 'it("adds", () => expect(1 + 1).toBe(2));';
const skipped = 'it("asks", (context) => context.skip("no server here"));';

describe("the count of tests", () => {
  it("is true for tests that pass and fail, and has a file that cannot be loaded as one", async () => {
    const bad = `${good}\nit("fails", () => expect(1).toBe(2));`;
    const broken = 'throw new Error("not loaded");';
    makeSuite({ good, bad, broken, broken_too: broken });
    const { counts, failed } = await runSuite({});
    expect(counts).toBe("2 3, exit 1");
    expect([...failed].sort()).toEqual([
      "test/bad.test.ts > fails: AssertionError: expected 1 to be 2 // Object.is equality",
      "test/broken.test.ts: Error: not loaded",
      "test/broken_too.test.ts: Error: not loaded",
    ]);
  });

  it("has a hook that fails as a failure, before the tests that it kept from running", async () => {
    const group = (hook: string) =>
      `describe("a group", () => {\n${hook}(() => { throw new Error("no server"); });\n${good}\n});`;
    const head = 'import { afterAll, beforeAll, describe } from "vitest";\n';
    makeSuite({ before: head + group("beforeAll"), after: head + group("afterAll") });
    const { counts, failed } = await runSuite({});
    expect(counts).toBe("1 3, exit 1");
    expect([...failed].sort()).toEqual([
      "test/after.test.ts > a group: Error: no server",
      "test/before.test.ts > a group > adds: skipped",
      "test/before.test.ts > a group: Error: no server",
    ]);
    expect(failed.at(-1)).toContain("skipped");
  });

  it("names a test that is over its time", async () => {
    makeSuite({ slow: 'it("hangs", () => new Promise(() => {}), 50);' });
    const { counts, failed } = await runSuite({});
    expect(counts).toBe("0 1, exit 1");
    expect(failed).toEqual(["test/slow.test.ts > hangs: Error: Test timed out in 50ms."]);
  });

  it("has an error outside of any test as a failure", async () => {
    makeSuite({
      good: `${good}\nsetImmediate(() => { throw new Error("stray"); });\nit("waits", () => new Promise((done) => setTimeout(done, 50)));`,
    });
    expect((await runSuite({})).counts).toMatch(/^\d [1-9], exit 1$/);
  });

  it("has a skipped test as a failure, whose reason is shown", async () => {
    makeSuite({ good, skipped });
    const lenient = await runSuite({});
    expect(lenient.counts).toBe("1 1, exit 0");
    expect(lenient.failed).toEqual(["test/skipped.test.ts > asks: skipped"]);
    expect(lenient.output).toContain("skipped: test/skipped.test.ts > asks (no server here)");
    expect((await runSuite({ SKEIN_NO_SKIP: "1" })).counts).toBe("1 1, exit 1");
  });
});

describe(".ci/run", () => {
  const steps = {
    check: "true",
    sim: "true",
    mutate: "true",
    kills: "true",
    chaos: "true",
    start: "true",
  };

  function makeGate(scripts: Readonly<Record<string, string>>): void {
    repository = new TemporaryRepository([".ci/run"]);
    const test = 'echo "1 0" > "$SKEIN_TEST_REPORT"';
    repository.write("package.json", JSON.stringify({ scripts: { test, ...scripts } }));
  }

  it("passes when every step does, and counts tests and steps on a line of their own", async () => {
    makeGate(steps);
    repository.write("scripts/services.sh", "true\n");
    repository.write("scripts/package-check.mjs", "");
    const { code, output } = await repository.run("bash", [".ci/run"]);
    expect(output.trimEnd().split("\n").at(-1)).toBe("11 passed, 0 failed");
    expect(code).toBe(0);
  });

  it("fails each step whose script is missing, and still runs the others", async () => {
    makeGate({ start: "echo the demo ran" });
    const { code, output } = await repository.run("bash", [".ci/run"]);
    expect(output).toContain("the demo ran");
    for (const step of [
      "services",
      "check",
      "simulator",
      "serial",
      "split",
      "mutate",
      "kills",
      "chaos",
      "package",
    ]) {
      expect(output).toMatch(new RegExp(`${step} +FAILED with exit code`));
    }
    expect(output.trimEnd().split("\n").at(-1)).toBe("2 passed, 9 failed");
    expect(code).toBe(1);
  });

  it("names the tests that failed right before its last line", async () => {
    const report = "0 1\\ntest/cup.test.ts > holds water: Error: no\\n";
    makeGate({ ...steps, test: `printf '${report}' > "$SKEIN_TEST_REPORT"; exit 1` });
    const { code, output } = await repository.run("bash", [".ci/run"]);
    expect(output.trimEnd().split("\n").slice(-2)).toEqual([
      "FAILED TEST: test/cup.test.ts > holds water: Error: no",
      "8 passed, 3 failed",
    ]);
    expect(code).toBe(1);
  });

  it.each([
    ["fail without a report", "exit 7"],
    ["leave no report", "true"],
    ["are none", 'echo "0 0" > "$SKEIN_TEST_REPORT"'],
    ["fail and report no fault", 'echo "0 0" > "$SKEIN_TEST_REPORT"; exit 1'],
  ])("fails when the tests %s", async (_, test) => {
    makeGate({ ...steps, test });
    repository.write("scripts/services.sh", "true\n");
    repository.write("scripts/package-check.mjs", "");
    const { code, output } = await repository.run("bash", [".ci/run"]);
    expect(output.trimEnd().split("\n").at(-1)).toBe("10 passed, 1 failed");
    expect(code).toBe(1);
  });

  it("keeps the tests' files in memory, if it does, until its end", async () => {
    makeGate({ ...steps, test: 'echo "files in $TMPDIR"; echo x > "$TMPDIR/file"' });
    const { output } = await repository.run("bash", [".ci/run"]);
    const folder = /^files in (.*)$/m.exec(output)?.[1] ?? "";
    if (folder.startsWith("/dev/shm/skein.")) expect(existsSync(folder)).toBe(false);
    else expect(folder).toBe(process.env.TMPDIR ?? "");
  });

  it("ends within its time, the simulator within what the others have left", async () => {
    makeGate({ ...steps, check: "sleep 20", sim: "sleep 20" });
    repository.write("scripts/services.sh", "true\n");
    repository.write("scripts/package-check.mjs", "");
    const env = { SKEIN_CI_SECONDS: "8", SKEIN_CI_SEEDS: "77" };
    const { code, output } = await repository.run("bash", [".ci/run"], env);
    expect(output).toMatch(/check +FAILED: no end within [1-8] s/);
    expect(output).toMatch(/^=== simulator: .* --seeds 77 --seconds 60$/m);
    expect(code).toBe(1);
  });

  it("has 25 minutes at most", async () => {
    makeGate({});
    const { output } = await repository.run("cat", [".ci/run"]);
    const seconds = /SKEIN_CI_SECONDS:-(\d+)/.exec(output)?.[1];
    expect(Number(seconds)).toBeLessThanOrEqual(25 * 60);
    expect([...output.matchAll(/^(?:one|step) \S+ \d+ /gm)]).toHaveLength(11);
    expect(output).toMatch(/--seconds "\$\(within 60 .* 330\)"/);
  });
});
