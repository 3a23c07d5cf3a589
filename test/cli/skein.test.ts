import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { build, eventually, SKEIN, startScript, TEST_LIMIT_MS } from "./processes.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-cli-test-"));
  build();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function skein(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SKEIN, ...args], {
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return { code: status, stdout, stderr };
}

function startNode(name: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const url = `sqlite:${join(folder, "discovery.db")}`;
  const own = ["--name", name, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
  return startScript(SKEIN, ["node", "--cluster", "chat", "--url", url, ...own, ...args], env);
}

const ADMIN = /"event":"admin_listening","url":"([^"]+)"/;
const READY = /"event":"ready"/;

describe("skein", { timeout: TEST_LIMIT_MS }, () => {
  it("tells its commands", () => {
    const { code, stdout } = skein(["--help"]);
    expect(code).toBe(0);
    for (const command of ["demo", "node", "status"]) expect(stdout).toMatch(command);
  });

  it("refuses an unknown command and an unknown flag", () => {
    expect(skein(["nod"])).toMatchObject({ code: 1, stderr: expect.stringMatching(/nod/) });
    expect(skein(["node", "--nmae", "a"]).stderr).toMatch(/unknown option '--nmae'/);
  });

  it.each(["1", "10", "three", "2.5"])("refuses a demonstration of %s nodes", (nodes) => {
    const { code, stderr } = skein(["demo", "--nodes", nodes]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/whole numbers from 2 to 9/);
  });
});

describe("skein node", { timeout: TEST_LIMIT_MS }, () => {
  it("says every fault of its settings in one line and exits with 1", () => {
    const config = join(folder, "faulty.toml");
    writeFileSync(config, 'listn = "127.0.0.1:1"\nlog_level = "loud"\n');
    const { code, stderr } = skein(["node", "--config", config, "--admin", "7401"]);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(/unknown key "listn"/);
    expect(stderr).toMatch(/cluster is missing.*url is missing.*--admin is "7401"/);
    expect(stderr).toMatch(/log_level in .*faulty\.toml is "loud"/);
    expect(stderr).toMatch(/ERR_SKEIN_INVALID_OPTIONS/);
  });

  it("says what is wrong with a file it cannot use, without what the file holds", () => {
    const config = join(folder, "broken.toml");
    writeFileSync(config, 'secret = "hidden-word\n');
    const broken = skein(["node", "--config", config]);
    expect(broken).toMatchObject({ code: 1 });
    expect(broken.stderr).toMatch(/broken\.toml is not TOML: .*line 1/);
    expect(broken.stderr).not.toMatch(/hidden-word/);
    expect(skein(["node", "--config", join(folder, "absent.toml")]).stderr).toMatch(/ENOENT/);
  });

  it("exits with 1 and one line when its port is taken", async () => {
    const first = startNode("holder");
    const [, url = ""] = await first.says(ADMIN);
    const { code, stderr } = skein(
      ["node", "--cluster", "chat", "--url", `sqlite:${join(folder, "other.db")}`],
      { SKEIN_ADMIN: new URL(url).host, SKEIN_LISTEN: "127.0.0.1:0" },
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^skein: the admin port cannot listen .*EADDRINUSE.*\n$/);
  });
});

describe("skein node with skein status", { timeout: TEST_LIMIT_MS }, () => {
  it("shows two nodes that found each other, and the one that is left after SIGTERM", async () => {
    const secret = join(folder, "secret");
    writeFileSync(secret, "a secret that nobody knows\n");
    const config = join(folder, "b.toml");
    writeFileSync(config, `name = "not-b"\nsecret_file = "${secret}"\nlog_level = "info"\n`);
    const a = startNode("a", ["--secret-file", secret]);
    const b = startNode("b", ["--config", config], { SKEIN_LOG_LEVEL: "debug" });
    const [[, urlA = ""], [, urlB = ""]] = await Promise.all([a.says(ADMIN), b.says(ADMIN)]);
    await Promise.all([a.says(READY), b.says(READY)]);

    const linked = await eventually(() => {
      const shown = skein(["status", "--url", urlA, "--json"]);
      const status = JSON.parse(shown.stdout);
      return status.joinedNodes.join() === "a,b" ? { status, code: shown.code } : undefined;
    }, "a and b joined");
    expect(linked).toMatchObject({ code: 0, status: { name: "a", cluster: "chat" } });

    const picture = skein(["status", "--url", urlB]);
    expect(picture.code).toBe(0);
    expect(picture.stdout).toMatch(/node b of chat: ready/);
    expect(picture.stdout).toMatch(/available +a, b/);
    expect(picture.stdout).not.toContain("\u001b");

    b.signal("SIGTERM");
    expect(await b.ended).toEqual({ code: 0, signal: null });
    await eventually(
      () =>
        JSON.parse(skein(["status", "--url", urlA, "--json"]).stdout).joinedNodes.join() === "a" ||
        undefined,
      "b gone after its goodbye",
    );
    const gone = skein(["status", "--url", urlB]);
    expect(gone).toMatchObject({ code: 1, stdout: "" });
    expect(gone.stderr).toMatch(/^skein: no node answers at http:.*ECONNREFUSED.*\n$/);

    a.signal("SIGINT");
    expect(await a.ended).toEqual({ code: 0, signal: null });
    for (const node of [a, b]) {
      expect(node.stdout).toMatch(/"event":"stopped"/);
      expect(node.stdout + node.stderr).not.toMatch(/nobody knows/);
    }
  });

  it("exits with 1 and says so when another process takes its name", async () => {
    const first = startNode("twin");
    await first.says(READY);
    const second = startNode("twin");
    await second.says(READY);
    expect(await first.ended).toEqual({ code: 1, signal: null });
    expect(first.stderr).toMatch(/^skein: the cluster has closed node twin: .*FENCED\)\n$/);
    second.signal("SIGTERM");
    expect((await second.ended).code).toBe(0);
  });

  it("exits with 2 while the node is not ready", async () => {
    // Nobody listens there: the node waits for its database, and answers meanwhile.
    const node = startScript(SKEIN, ["node", "--cluster", "chat", "--admin", "127.0.0.1:0"], {
      DATABASE_URL: "postgres://nobody@127.0.0.1:9/none",
      SKEIN_LISTEN: "127.0.0.1:0",
    });
    const [, url = ""] = await node.says(ADMIN);
    const { code, stdout } = skein(["status", "--url", url]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/chat: starting/);
  });

  it("ends at once on a second signal", async () => {
    const node = startScript(SKEIN, ["node", "--cluster", "chat", "--admin", "127.0.0.1:0"], {
      DATABASE_URL: "postgres://nobody@127.0.0.1:9/none",
      SKEIN_LISTEN: "127.0.0.1:0",
    });
    await node.says(ADMIN);
    node.signal("SIGTERM");
    await node.says(/"event":"stopping"/);
    node.signal("SIGTERM");
    expect(await node.ended).toEqual({ code: 143, signal: null });
  });

  it("ends on the first signal too when it cannot reach its database", async () => {
    const node = startScript(SKEIN, ["node", "--cluster", "chat", "--admin", "127.0.0.1:0"], {
      DATABASE_URL: "postgres://nobody@127.0.0.1:9/none",
      SKEIN_LISTEN: "127.0.0.1:0",
    });
    await node.says(ADMIN);
    node.signal("SIGTERM");
    expect(await node.ended).toEqual({ code: 0, signal: null });
  });
});
