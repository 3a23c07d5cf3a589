import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { build, descendants, eventually, isAlive, SKEIN, start } from "./processes.ts";

/** Several processes start, one of them waits for the failure detector, on a shared machine. */
const LIMIT_MS = 120_000;

let folder: string;

beforeAll(build);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-demo-test-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Everything the demonstration makes is below this folder. */
function startDemo(...args: string[]) {
  return start(SKEIN, ["demo", "--rows", "300", ...args], { TMPDIR: folder });
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
  readonly claims: readonly { claim: string; ok: boolean; facts: Record<string, unknown> }[];
}

describe("skein demo", () => {
  it(
    "shows all it claims on three processes, says so as JSON and leaves nothing behind",
    async () => {
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
    },
    LIMIT_MS,
  );

  it(
    "fails every claim, says why and exits with 1 when the nodes cannot find each other",
    async () => {
      const demo = startDemo("--json", "--url", `sqlite:${join(folder, "absent", "discovery.db")}`);
      expect((await demo.ended).code).toBe(1);
      const report: Report = JSON.parse(demo.stdout);
      expect(report.ok).toBe(false);
      expect(report.claims.slice(0, -1).every(({ ok }) => !ok)).toBe(true);
      expect(report.claims[0]).toMatchObject({ measured: expect.stringMatching(/process [abc]/) });
      expect(report.claims.at(-1)).toMatchObject({ ok: true });
    },
    LIMIT_MS,
  );
});

describe("a demonstration that ends before its end", () => {
  /** Its processes, once all nodes run; the warden is one more. */
  async function processesOf(pid: number): Promise<number[]> {
    return eventually(() => {
      const found = descendants(pid);
      return found.length === 4 ? found : undefined;
    }, "three nodes and a warden");
  }

  async function expectNothingLeft(pids: readonly number[]): Promise<void> {
    await eventually(
      () => (pids.some(isAlive) || readdirSync(folder).length > 0 ? undefined : true),
      () => `left: ${pids.filter(isAlive).join(", ")} ${readdirSync(folder).join(", ")}`,
    );
  }

  it(
    "on Ctrl-C leaves no process and no folder",
    async () => {
      const demo = startDemo("--once");
      await demo.says(/✔ Rows written/);
      const pids = await processesOf(demo.pid);
      expect(readdirSync(folder)).toHaveLength(1);
      demo.signal("SIGINT");
      expect(await demo.ended).toEqual({ code: 130, signal: null });
      expect(pids.filter(isAlive)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    "killed while one of its nodes is frozen leaves no process and no folder",
    async () => {
      const demo = startDemo("--once");
      await demo.says(/… A frozen node/, LIMIT_MS);
      const pids = await processesOf(demo.pid);
      demo.signal("SIGKILL");
      await demo.ended;
      await expectNothingLeft(pids);
    },
    LIMIT_MS,
  );
});
