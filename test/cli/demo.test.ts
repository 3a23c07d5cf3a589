import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  build,
  descendants,
  eventually,
  hasScript,
  isAlive,
  ROOT,
  SKEIN,
  start,
  startOnTerminal,
  startScript,
  TEST_LIMIT_MS,
} from "./processes.ts";

let folder: string;

beforeAll(build);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-demo-test-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Everything the demonstration makes is below this folder. */
function startDemo(...args: string[]) {
  return startScript(SKEIN, ["demo", "--rows", "300", ...args], { TMPDIR: folder });
}

/** What a demonstration has started, once it is at least so many processes; the warden is one of them. */
async function processesOf(pid: number, count: number): Promise<number[]> {
  return eventually(() => {
    const found = descendants(pid);
    return found.length >= count ? found : undefined;
  }, `${count} processes`);
}

async function expectNothingLeft(pids: readonly number[]): Promise<void> {
  await eventually(
    () => (pids.some(isAlive) || readdirSync(folder).length > 0 ? undefined : true),
    () => `left: ${pids.filter(isAlive).join(", ")} ${readdirSync(folder).join(", ")}`,
  );
}

const CLAIMS = [
  "Processes find each other through the discovery table alone",
  "Rows written on each node are on every node",
  "A node's index finds the rows that others wrote",
  "Reads are local",
  "An acknowledged write is on every node",
  "A killed node's rows vanish, all others stay",
  "A restarted node is filled by the others",
  "A frozen node does not stop the others' writes",
  "A thawed node is equal again, nothing deleted is back",
  "Nothing is left: no process, no file",
];

interface Report {
  readonly ok: boolean;
  readonly nodes: number;
  readonly claims: readonly {
    claim: string;
    measured: string;
    ok: boolean;
    facts: Record<string, unknown>;
  }[];
}

describe("skein demo", { timeout: TEST_LIMIT_MS }, () => {
  it("shows all it claims on three processes, says so as JSON, and leaves nothing", async () => {
    const demo = startDemo("--once", "--json");
    const { code } = await demo.ended;
    const report: Report = JSON.parse(demo.stdout);
    expect(report.claims.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.claims.map(({ claim }) => claim)).toEqual(CLAIMS);
    expect(report).toMatchObject({ ok: true, nodes: 3 });
    const facts = Object.assign({}, ...report.claims.map((claim) => claim.facts));
    expect(facts).toMatchObject({ links: 3, discovery: "sqlite", rowsLeft: 600, reachedMin: 2 });
    expect(code).toBe(0);
    expect(demo.stderr).toBe("");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("fails its claims, says why and exits with 1 when no node can start", async () => {
    const demo = startDemo("--json", "--url", "carrier-pigeon://loft");
    expect((await demo.ended).code).toBe(1);
    const report: Report = JSON.parse(demo.stdout);
    expect(report.ok).toBe(false);
    expect(report.claims.map(({ claim }) => claim)).toEqual(CLAIMS);
    expect(report.claims.slice(0, -1).every(({ ok }) => !ok)).toBe(true);
    expect(report.claims[0]?.measured).toMatch(/process [abc]: .*carrier-pigeon/);
    expect(report.claims.at(-1)?.ok).toBe(true);
  });

  it("shows no password of the URL", async () => {
    const demo = startDemo("--once", "--url", "carrier-pigeon://bird:hidden-word@loft/db");
    await demo.ended;
    expect(demo.stdout + demo.stderr).not.toMatch(/hidden-word/);
    expect(demo.stdout).toMatch(/not tried/);
  });
});

describe("a demonstration that ends before its end", { timeout: TEST_LIMIT_MS }, () => {
  it("on Ctrl-C leaves no process and no folder", async () => {
    const demo = startDemo("--once");
    await demo.says(/✔ Rows written/);
    const pids = await processesOf(demo.pid, 4);
    expect(readdirSync(folder)).toHaveLength(1);
    demo.signalGroup("SIGINT");
    expect(await demo.ended).toEqual({ code: 130, signal: null });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("under npm ends with the shell that npm runs it in", async () => {
    const demo = start("sh", ["-c", `"${process.execPath}" "${SKEIN}" demo --once; true`], {
      TMPDIR: folder,
      npm_lifecycle_event: "start",
    });
    await demo.says(/✔ Processes find/);
    const pids = await processesOf(demo.pid, 5);
    demo.signal("SIGTERM");
    await expectNothingLeft(pids);
  });

  it("killed while one of its nodes is frozen leaves no process and no folder", async () => {
    const script = `
      import { DemoCluster } from ${JSON.stringify(`${ROOT}/dist/cli/demo/cluster.js`)};
      const cluster = await DemoCluster.open({ nodes: 2, rows: 10 });
      await Promise.all(cluster.names.map((name) => cluster.start(name)));
      cluster.process("b").freeze();
      console.log("frozen");`;
    const demo = startScript("--input-type=module", ["-e", script], { TMPDIR: folder });
    await demo.says(/frozen/);
    const pids = await processesOf(demo.pid, 3);
    expect(readdirSync(folder)).toHaveLength(1);
    demo.signal("SIGKILL");
    await demo.ended;
    await expectNothingLeft(pids);
  });
});

describe.skipIf(!hasScript)(
  `skein demo on a terminal${hasScript ? "" : " (skipped: no script of util-linux here)"}`,
  { timeout: TEST_LIMIT_MS },
  () => {
    it("stays after the claims and does what the keys ask for", async () => {
      const demo = startOnTerminal(SKEIN, ["demo", "--nodes", "2", "--rows", "20"], {
        TMPDIR: folder,
        TERM: "xterm",
      });
      await demo.says(/9 claims hold[\s\S]*quit/, TEST_LIMIT_MS);
      const pids = await processesOf(demo.pid, 4);
      demo.type("2k");
      await demo.says(/b was killed/);
      demo.type("r");
      await demo.says(/b was filled and ready after/);
      demo.type("w");
      await demo.says(/b: [\d,]+ writes acknowledged, longest/);
      demo.type("f");
      await demo.says(/b is frozen/);
      await demo.says(/b suspect|b down/);
      demo.type("f");
      await demo.says(/b runs again/);
      demo.type("q");
      expect((await demo.ended).code).toBe(0);
      await expectNothingLeft(pids);
    });
  },
);
