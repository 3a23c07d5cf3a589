/** `skein store` as its users run it: real processes, real back ends. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CopyMeter } from "../../src/cli/copy-progress.ts";
import { FileAdapter } from "../../src/persistent/adapters/file/file-adapter.ts";
import type { Place, StoreAdapter } from "../../src/persistent/contract/driver.ts";
import { openStores } from "../../src/persistent.ts";
import { redis } from "../servers/redis.ts";
import { withServer } from "../servers/server.ts";
import { build, eventually, SKEIN, startScript, TEST_LIMIT_MS } from "./processes.ts";

const BUDGET = { timeoutMs: 10_000, signal: undefined };
const USERS = 300;

let folder: string;
const files = () => `file:${join(folder, "files")}`;
const sqlite = (name: string) => `sqlite:${join(folder, `${name}.db`)}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "skein-store-test-"));
  build();
  const adapter: StoreAdapter = new FileAdapter({ folder: join(folder, "files") });
  await adapter.open(BUDGET);
  for (const host of ["one.example", "two.example"]) {
    const rows = await adapter.openRows({ host, store: "roster", kind: "map" }, BUDGET);
    for (let user = 0; user < USERS; user++) {
      await rows.write(`user ${user}`, new Map([["friend", `"${host} ${user}"`]]), BUDGET);
    }
  }
  const archive = await adapter.openArchive(
    { host: "one.example", store: "archive", kind: "archive" },
    BUDGET,
  );
  const items = [1n, 2n, 3n].map((when) => ({ key: `id ${when}`, when, with: "", value: "1" }));
  await archive.append("ann", items, BUDGET);
  await adapter.close();
}, TEST_LIMIT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function skein(...args: readonly string[]) {
  return skeinWith({}, ...args);
}

function skeinWith(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SKEIN, "store", ...args], {
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return { code: status, stdout, stderr };
}

/** What a back end has, as the command tells it. */
function listed(url: string): (Place & { users: number })[] {
  const { code, stdout, stderr } = skein("list", "--json", url);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe("skein store", { timeout: TEST_LIMIT_MS }, () => {
  it("lists the stores of a back end, for people and for programs", () => {
    expect(listed(files())).toEqual([
      { host: "one.example", store: "archive", kind: "archive", users: 1 },
      { host: "one.example", store: "roster", kind: "map", users: USERS },
      { host: "two.example", store: "roster", kind: "map", users: USERS },
    ]);
    const { stdout } = skein("list", "--host", "two.example", files());
    expect(stdout).toMatch(/^host +store +kind +users\ntwo\.example +roster +map +300\n$/);
  });

  it("copies everything, verified, with lines of progress where there is no terminal", () => {
    const to = sqlite("whole");
    const { code, stdout, stderr } = skein("copy", files(), to);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^copying archive of one\.example: /m);
    expect(stderr).toMatch(/^verifying roster of two\.example: /m);
    expect(stdout).toMatch(/two\.example +roster +300 +300 +300\ncopied and verified\n$/);
    expect(listed(to)).toEqual(listed(files()));
  });

  it("tells in a dry run what it would change, and changes nothing", () => {
    const to = sqlite("dry");
    const { code, stdout } = skein("copy", "--dry-run", files(), to);
    expect(code).toBe(0);
    expect(stdout).toMatch(/would change/);
    expect(stdout).toMatch(/nothing was changed\n$/);
    expect(listed(to).every(({ users }) => users === 0)).toBe(true);
  });

  it("copies some hosts and stores, and refuses those that are not there", () => {
    const to = sqlite("some");
    expect(skein("copy", "--host", "two.example", "--store", "roster", files(), to).code).toBe(0);
    expect(listed(to)).toEqual([
      { host: "two.example", store: "roster", kind: "map", users: USERS },
    ]);
    const typo = skein("copy", "--host", "tow.example", files(), to);
    expect(typo.code).toBe(1);
    expect(typo.stderr).toMatch(/the source has no host tow\.example; it has one\.example/);
  });

  it("takes names of connections of a configuration, and refuses others with those that are there", () => {
    const config = join(folder, "skein.toml");
    writeFileSync(
      config,
      `[persistent]
storage = "new"
[persistent.connections.old]
adapter = "file"
folder = ${JSON.stringify(join(folder, "files"))}
[persistent.connections.new]
adapter = "sql"
url_env = "NEW_URL"
table_prefix = "own_"
[persistent.connections.cache]
adapter = "memory"
`,
    );
    const env = { NEW_URL: sqlite("named") };
    const copied = skeinWith(env, "copy", "--config", config, "old", "new");
    expect(copied.stderr).toMatch(/^copying archive of one\.example: /m);
    expect(copied.code).toBe(0);
    const list = skeinWith(env, "list", "--config", config, "--json", "new");
    expect(JSON.parse(list.stdout)).toEqual(listed(files()));
    // By URL the tables have another prefix, and nothing is there.
    expect(listed(sqlite("named"))).toEqual([]);
    const unknown = skeinWith(env, "copy", "--config", config, "olb", "new");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(
      /"olb" is no connection .* allowed are old, new, and URLs: file:/,
    );
    const forgets = skeinWith(env, "copy", "--config", config, "old", "cache");
    expect(forgets.stderr).toMatch(/"cache" is of the adapter memory, .* allowed are old, new/);
    const store = skeinWith(env, "copy", "--config", config, "old", "new", "--store", "rooster");
    expect(store.stderr).toMatch(/the source has no store rooster; it has archive, roster/);
  });

  it("lists and copies message archives and rosters, and says when a target cannot have them", async () => {
    const stores = await openStores({
      storage: "one",
      connections: { one: { adapter: "sql", url: sqlite("typed") } },
    });
    const ann = { server: "one.example", name: "ann" };
    const archives = await stores.messageArchives({ node: 1 });
    await archives.users.add(ann, { with: "b@b", from: "b@b", direction: "in", packet: "<m/>" });
    await (await stores.rosters()).set(ann, "bob@b", {});
    await stores.close();
    const expected = [
      { host: "one.example", store: "archive", kind: "messages", users: 1 },
      { host: "one.example", store: "roster", kind: "roster", users: 1 },
    ];
    expect(listed(sqlite("typed"))).toEqual(expected);
    const { code, stdout, stderr } = skein("copy", sqlite("typed"), sqlite("typed too"));
    expect(code).toBe(0);
    expect(stderr).toMatch(/^verifying archive \(messages\) of one\.example: /m);
    expect(stdout).toMatch(/roster \(roster\) +1 +1 +2\n/);
    expect(listed(sqlite("typed too"))).toEqual(expected);
    const refused = skein("copy", sqlite("typed"), `file:${join(folder, "typed")}`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/adapter "file" does not have, .*ERR_SKEIN_UNSUPPORTED/);
  });

  it("goes on after it was interrupted", async () => {
    const to = sqlite("interrupted");
    const copy = startScript(SKEIN, ["store", "copy", files(), to], {});
    await eventually(() => /copying roster/.exec(copy.stderr) ?? undefined, "the copy runs");
    copy.child.kill("SIGINT");
    const { code } = await copy.ended;
    // The copy may have been faster than the signal.
    expect([0, 130]).toContain(code);
    if (code === 130) expect(copy.stderr).toMatch(/the same command goes on/);
    expect(skein("copy", files(), to).code).toBe(0);
    expect(listed(to)).toEqual(listed(files()));
  });

  it("refuses back ends that are none, without what was given", () => {
    const { code, stderr } = skein("copy", "mongo://root:hidden-word@host/db", sqlite("none"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/ERR_SKEIN_INVALID_OPTIONS/);
    expect(stderr).not.toMatch(/hidden-word/);
    expect(skein("list", "memory").stderr).toMatch(/allowed is file:FOLDER, sqlite:FILE/);
  });
});

withServer(redis, "skein store with Redis", (server) => {
  it(
    "copies there and back again",
    () => {
      expect(skein("copy", files(), server().url).code).toBe(0);
      const back = sqlite("back");
      expect(skein("copy", server().url, back).code).toBe(0);
      expect(listed(back)).toEqual(listed(files()));
    },
    TEST_LIMIT_MS,
  );
});

describe("the progress of a copy", () => {
  const place = { host: "one.example", store: "roster", kind: "map" } as const;
  const progress = { place, pass: 1, users: 0, rows: 0, bytes: 0, changed: 0 };

  it("is a bar that is drawn over on a terminal, and cleared at the end", () => {
    let written = "";
    let nowMs = 0;
    const screen = { isTTY: true, columns: 200, write: (text: string) => (written += text) };
    const meter = new CopyMeter(screen, () => nowMs);
    meter.show(progress, 100);
    nowMs = 50;
    meter.show({ ...progress, users: 20, rows: 40 }, 100);
    nowMs = 1_000;
    meter.show({ ...progress, users: 25, rows: 50 }, 100);
    meter.end();
    const lines = written.split("\r\u001b[2K").slice(1);
    expect(lines).toEqual([
      `${"░".repeat(20)} copying roster of one.example: 0 of 100 users, 0 rows`,
      `${"█".repeat(5)}${"░".repeat(15)} copying roster of one.example: 25 of 100 users, 50 rows, ` +
        "50 rows a second, 3.00 s left",
      "",
    ]);
  });

  it("is a line now and then elsewhere", () => {
    let written = "";
    let nowMs = 0;
    const meter = new CopyMeter({ write: (text: string) => (written += text) }, () => nowMs);
    for (const users of [0, 10, 20, 30]) {
      meter.show({ ...progress, users, rows: users }, 40);
      nowMs += 6_000;
    }
    meter.end();
    expect(written.split("\n").map((line) => line.replace(/,.*/, ""))).toEqual([
      "copying roster of one.example: 0 of 40 users",
      "copying roster of one.example: 20 of 40 users",
      "",
    ]);
  });
});
