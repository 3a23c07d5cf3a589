/** `skein doctor`, `migrate` and `database` as their users run them, on real databases. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { schemaOf } from "../../src/node/database-tools.ts";
import { mariadb } from "../servers/mariadb.ts";
import { ask, postgres, rowsOf } from "../servers/postgres.ts";
import { withServer } from "../servers/server.ts";
import { build, eventually, ROOT, SKEIN, startScript, TEST_LIMIT_MS } from "./processes.ts";

const SECRET = "s3cr3t-Pa55";
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-cli-"));
  build();
}, TEST_LIMIT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function skein(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SKEIN, ...args], {
    encoding: "utf8",
    cwd: ROOT,
    timeout: 60_000,
    env: { PATH: process.env.PATH ?? "", ...env },
  });
  return { code: status, stdout, stderr };
}

/** The first fenced block of a language behind a heading of doc/operations.md. */
function block(language: string): string[] {
  const text = readFileSync(join(ROOT, "doc/operations.md"), "utf8");
  const section = text.split("## A fresh PostgreSQL with a new role")[1] ?? "";
  const code = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(section)?.[1] ?? "";
  return code.split("\n").filter((line) => line !== "");
}

describe("skein migrate", { timeout: TEST_LIMIT_MS }, () => {
  test("applies what is missing once, and tells before and after", () => {
    const url = `sqlite:${join(folder, "a.db")}`;
    const before = skein(["migrate", "status", "--url", url]);
    expect(before).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/1\s+stores\s+pending/),
    });
    const dry = skein(["migrate", "--dry-run", "--url", url]);
    expect(dry.stdout).toContain("create table if not exists skein_item");
    expect(skein(["migrate", "--url", url]).stdout).toContain("sql: Migrations applied");
    expect(skein(["migrate", "--url", url]).stdout).toBe("sql: nothing to do\n");
    const after = skein(["migrate", "status", "--json", "--url", url]);
    expect(after.code).toBe(0);
    const [report] = JSON.parse(after.stdout);
    expect(report.migrations[0]).toMatchObject({ version: 1, name: "stores", state: "applied" });
    expect(skein(["migrate", "--dry-run", "--url", url]).stdout).toBe("-- sql: nothing to do\n");
  });

  test("a file names many databases, of which one can be chosen", () => {
    const config = join(folder, "two.toml");
    const at = (name: string) =>
      `[persistent.connections.${name}]\nurl = "sqlite:${join(folder, `${name}.db`)}"\n`;
    writeFileSync(config, at("one") + at("two"));
    const chosen = skein(["migrate", "--config", config, "--connection", "two"]);
    expect(chosen.stdout).toMatch(/^two: applied 1 stores in [\s\S]*two: Migrations applied\n$/);
    expect(skein(["migrate", "--config", config]).stdout).toContain("two: nothing to do");
  });

  test("faults of the configuration are one line each command, without a secret", () => {
    const config = join(folder, "bad.toml");
    writeFileSync(
      config,
      `[persistent.connections.x]\nurl = "oracle://u:${SECRET}@h/d"\nhost = "h"\n`,
    );
    for (const command of [["migrate"], ["doctor"], ["database", "create"]]) {
      const { code, stdout, stderr } = skein([...command, "--config", config]);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toContain("has the scheme oracle://");
      expect(stderr).not.toContain(SECRET);
    }
  });

  // After a new migration: skein migrate --sql DIALECT > doc/schema/DIALECT.sql
  test.each(["postgres", "mysql", "sqlite", "cockroach"] as const)(
    "the file of the schema of %s is up to date",
    (dialect) => {
      const file = readFileSync(join(ROOT, `doc/schema/${dialect}.sql`), "utf8");
      expect(schemaOf(dialect)).toBe(file);
      expect(skein(["migrate", "--sql", dialect]).stdout).toBe(file);
    },
  );
});

withServer(postgres, "skein on PostgreSQL", (server) => {
  test("a fresh server with a new role, as the documents say", {
    timeout: TEST_LIMIT_MS,
  }, async () => {
    const here = (text: string) => text.replaceAll("127.0.0.1:5432", `127.0.0.1:${server().port}`);
    for (const statement of block("sql")) await ask(server().url, statement);
    const env: Record<string, string> = { SKEIN_ADMIN: "off", SKEIN_LISTEN: "127.0.0.1:0" };
    const seen: string[] = [];
    for (const line of block("sh")) {
      const variable = /^export (\w+)='(.*)'$/.exec(here(line));
      if (variable?.[1] !== undefined) {
        env[variable[1]] = variable[2] ?? "";
        continue;
      }
      const [program, ...args] = line.split(" ");
      expect(program).toBe("skein");
      if (args[0] === "node") {
        const node = startScript(SKEIN, [...args, "--url", `sqlite:${join(folder, "n.db")}`], env);
        await eventually(
          () => (node.stdout.includes('"event":"started"') ? true : undefined),
          () => `a node: ${node.stdout} ${node.stderr}`,
        );
        expect(node.stdout).toContain("Database connected");
        expect(node.stdout).toContain("stores in memory");
        node.child.kill("SIGTERM");
        await node.ended;
        seen.push(node.stdout + node.stderr);
        continue;
      }
      const { code, stdout, stderr } = skein(args, env);
      expect([line, code, stderr]).toEqual([line, 0, ""]);
      seen.push(stdout);
    }
    expect(seen[0]).toContain('migration 1 "stores" is not applied yet');
    expect(seen[1]).toContain("Migrations applied");
    expect(seen[2]).toMatch(/ok\s+migrations\s+all/);
    expect(seen).toHaveLength(4);
    for (const text of seen) expect(text).not.toContain("choose-a-better-one");
  });

  test(
    "a missing database is made, in UTF-8, and then it is there",
    async () => {
      const url = new URL(server().url);
      url.pathname = "/made by skein";
      const env = { DATABASE_URL: url.href };
      const doctor = skein(["doctor", "--json"], env);
      expect(doctor.code).toBe(1);
      expect(JSON.parse(doctor.stdout)[0].findings[0]).toMatchObject({
        check: "connection",
        level: "fault",
        action: expect.stringContaining("skein database create"),
      });
      expect(skein(["database", "create"], env).stdout).toMatch(/made\n$/);
      expect(skein(["database", "create"], env).stdout).toMatch(/is there\n$/);
      expect(skein(["migrate"], env).stdout).toContain("Migrations applied");
      const rows = await rowsOf(
        url.href,
        "select pg_encoding_to_char(encoding) as e from pg_database where datname = current_database()",
      );
      expect(rows).toEqual([{ e: "UTF8" }]);
    },
    TEST_LIMIT_MS,
  );

  test(
    "a node with --no-migrate refuses to start while migrations are missing",
    async () => {
      const config = join(folder, "node.toml");
      writeFileSync(
        config,
        `cluster = "c"\nadmin = "off"\nurl = "sqlite:${join(folder, "d.db")}"\n` +
          `[persistent]\nstorage = "main"\n[persistent.connections.main]\n` +
          `url = "${await server().newDatabase()}"\n`,
      );
      const args = ["node", "--config", config, "--listen", "127.0.0.1:0"];
      const refused = skein([...args, "--no-migrate"]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('migrations are missing: 1 "stores"');
      const node = startScript(SKEIN, args, {});
      await eventually(
        () => (node.stdout.includes("Migrations applied") ? true : undefined),
        "logs",
      );
      await eventually(() => (node.stdout.includes('"started"') ? true : undefined), "a start");
      expect(node.stdout).not.toContain("stores in memory");
      node.child.kill("SIGTERM");
      await node.ended;
    },
    TEST_LIMIT_MS,
  );
});

withServer(mariadb, "skein on MariaDB", (server) => {
  test(
    "makes its database, migrates it, and finds it well",
    () => {
      const url = new URL(server().url);
      url.pathname = "/made";
      const env = { DATABASE_URL: url.href };
      expect(skein(["database", "create"], env).stdout).toMatch(/made\n$/);
      expect(skein(["migrate"], env).stdout).toContain("Migrations applied");
      const doctor = skein(["doctor"], env);
      expect(doctor).toMatchObject({ code: 0, stderr: "" });
      expect(doctor.stdout).toMatch(/ok\s+encoding\s+utf8mb4/);
    },
    TEST_LIMIT_MS,
  );
});
