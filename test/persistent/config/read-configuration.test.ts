import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { InvalidOptionsError } from "../../../src/errors.ts";
import { connectionFor } from "../../../src/persistent/config/configuration.ts";
import { CONFIGURATION_KEYS } from "../../../src/persistent/config/keys.ts";
import { readConfiguration } from "../../../src/persistent/config/read-configuration.ts";

const SECRET = "s3cr3t-Pa55";
const files = new Map([
  ["/run/secrets/password", `${SECRET}\n`],
  ["/run/secrets/empty", "\n"],
]);
const sources = (env: Record<string, string> = {}) => ({
  env,
  async readFile(path: string) {
    const content = files.get(path);
    if (content === undefined) throw new Error("ENOENT: no such file");
    return content;
  },
});

const read = (text: string, env: Record<string, string> = {}) =>
  readConfiguration(parse(text), sources(env));

async function faultsOf(text: string, env: Record<string, string> = {}) {
  const error: unknown = await read(text, env).catch((failure: unknown) => failure);
  if (!(error instanceof InvalidOptionsError)) throw new Error(`not refused: ${String(error)}`);
  expect(error.message).not.toContain(SECRET);
  return error.faults;
}

describe("which store is kept where", () => {
  test("one name for all stores", async () => {
    const found = await read('storage = "sql"', { DATABASE_URL: "postgres://u@h/d" });
    expect(connectionFor(found, { host: "h", store: "roster" })).toBe("sql");
    expect(found.connections.get("sql")).toMatchObject({
      adapter: "sql",
      target: { dialect: "postgres", host: "h", port: 5432, user: "u", database: "d" },
      tablePrefix: "skein_",
      migrate: "auto",
    });
  });

  test("a table with a name for each store, and a default for the rest", async () => {
    const found = await read(`
      default_storage = "files"
      [storage]
      roster = "main"
      last = "none"
      [connections.main]
      url = "sqlite:/tmp/a.db"
      [connections.files]
      adapter = "internal"
      folder = "/var/lib/skein"
    `);
    const at = (store: string) => connectionFor(found, { host: "h", store });
    expect([at("roster"), at("last"), at("vcard")]).toEqual(["main", "none", "files"]);
    expect(found.connections.get("files")).toEqual({ adapter: "file", folder: "/var/lib/skein" });
  });

  test("a host's own word comes first, then that for all hosts; nothing is chosen unseen", async () => {
    const found = await read(`
      [storage]
      roster = "null"
      [hosts."a.example".storage]
      roster = "none"
      [hosts."b.example"]
      default_storage = "none"
    `);
    const at = (host: string, store: string) => connectionFor(found, { host, store });
    expect(at("a.example", "roster")).toBe("none");
    expect(at("a.example", "vcard")).toBeUndefined();
    expect(at("b.example", "roster")).toBe("none");
    expect(at("c.example", "roster")).toBe("null");
  });
});

describe("where a database is", () => {
  test.each([
    ["postgres://u:p@h/d", { dialect: "postgres", port: 5432, password: "p" }],
    ["postgresql://u@h:6000/d?sslmode=verify-ca", { port: 6000, tls: "verify-ca" }],
    ["mysql://u@h/d", { dialect: "mysql", port: 3306 }],
    ["mariadb://u@h/d?sslmode=prefer", { dialect: "mysql", tls: "prefer" }],
    ["cockroachdb://u@h/d", { dialect: "cockroach", port: 26257 }],
    ["postgres://u@x/d?host=/run/postgresql", { host: "/run/postgresql" }],
    ["sqlite:/tmp/x.db", { dialect: "sqlite", path: "/tmp/x.db" }],
  ])("%s", async (url, expected) => {
    const found = await read(`[connections.main]\nurl = "${url}"`);
    expect(found.connections.get("main")).toMatchObject({ target: expected });
  });

  test("a file of SQLite's is opened by the package that is chosen, a server by none", async () => {
    for (const driver of ["libsql", "better-sqlite3", "node:sqlite"]) {
      const found = await read(`[connections.x]\nurl = "sqlite:/tmp/x.db"\ndriver = "${driver}"`);
      expect(found.connections.get("x")).toMatchObject({ target: { path: "/tmp/x.db", driver } });
    }
    const wrong = '[connections.x]\nurl = "sqlite:/tmp/x.db"\ndriver = "sql.js"';
    await expect(read(wrong)).rejects.toThrow("libsql, better-sqlite3, node:sqlite");
    const server = '[connections.x]\nurl = "postgres://u@h/d"\ndriver = "libsql"';
    await expect(read(server)).rejects.toThrow("connections.x.driver: is for sqlite alone");
  });

  test("parameters say the same as a URL", async () => {
    const byUrl = await read('[connections.x]\nurl = "mysql://u:p@h:1/d?sslmode=require"');
    const byParameters = await read(`
      [connections.x]
      dialect = "mariadb"
      host = "h"
      port = 1
      user = "u"
      password = "p"
      database = "d"
      sslmode = "require"
    `);
    expect(byParameters).toEqual(byUrl);
  });

  test("a secret comes from a file or from the environment", async () => {
    const from = (line: string, env = {}) =>
      read(
        `[connections.x]\ndialect = "postgres"\nhost = "h"\nuser = "u"\ndatabase = "d"\n${line}`,
        env,
      );
    const expected = { target: { password: SECRET } };
    const file = await from('password_file = "/run/secrets/password"');
    expect(file.connections.get("x")).toMatchObject(expected);
    const variable = await from('password_env = "PASS"', { PASS: SECRET });
    expect(variable.connections.get("x")).toMatchObject(expected);
    const text = '[connections.x]\nadapter = "redis"\nurl_env = "U"';
    const url = await read(text, { U: `redis://:${SECRET}@h` });
    expect(url.connections.get("x")).toMatchObject({ url: `redis://:${SECRET}@h` });
  });
});

describe("what is refused", () => {
  test("all faults are told in one message, and no secret in any of them", async () => {
    const faults = await faultsOf(`
      storages = "sql"
      default_storage = "nowhere"
      [storage]
      Roster = 5
      [connections.memory]
      [connections.main]
      url = "postgres://u:${SECRET}@h/d"
      host = "h"
      colour = "${SECRET}"
      pooler = "${SECRET}"
      table_prefix = "A${SECRET}"
      [connections.main.pool]
      max = 0
      acquire_ms = "${SECRET}"
      speed = 1
      [connections.other]
      dialect = "postgres"
      port = 70000
      password = "${SECRET}"
      password_env = "X"
      sslcert = "c"
      [connections.file]
      url = "x"
      [connections.wrong]
      url = "oracle://u:${SECRET}@h/d"
      [hosts."h".colours]
    `);
    const all = faults.join("\n");
    for (const part of [
      "storages: is not known, allowed are storage, default_storage, hosts, connections",
      'storage: names the connection "nowhere", which is not there',
      'storage."Roster": is no name of a store',
      "storage.Roster: is of type number, allowed is a text",
      'connections."memory": is no name',
      "connections.main.url: is given beside host: give the URL or the parameters",
      "connections.main.colour: is not known, allowed are adapter, url",
      "connections.main.pooler: is not known, allowed are none, session, transaction",
      "connections.main.table_prefix: allowed are up to 40",
      "connections.main.pool.max: is 0, allowed is 1 to 1000",
      "connections.main.pool.acquire_ms: is of type string, allowed is",
      "connections.main.pool.speed: is not known, allowed are max, min, acquire_ms",
      "connections.other.host: is missing",
      "connections.other.user: is missing",
      "connections.other.database: is missing",
      "connections.other.port: is 70000, allowed is 1 to 65535",
      "connections.other.password: is given 2 times: as password, password_env",
      "connections.other.sslcert: and sslkey are given together or not at all",
      "connections.file.url: is not for the adapter file",
      "connections.file.folder: is missing",
      "connections.wrong.url: has the scheme oracle://, allowed are sqlite:PATH",
      'hosts."h".colours: is not known, allowed are storage, default_storage',
    ]) {
      expect(all).toContain(part);
    }
    expect(faults.length).toBeGreaterThanOrEqual(22);
  });

  test.each([
    ['password_file = "/nowhere"', "password_file: names /nowhere, which cannot be read: ENOENT"],
    ['password_file = "/run/secrets/empty"', "which is empty"],
    ['password_env = "X"', "names the variable X, which is not set"],
    ['sslrootcert = "/ca"', "sslrootcert: is of no use without sslmode verify-ca"],
    ["[connections.x.pool]\nmin = 9\nmax = 3", "pool.min: is 9, must not be above max, which is 3"],
    [
      "[connections.x.pool]\nkeepalive_ms = 60000",
      "keepalive_ms: is 60000, must not be above half of idle_in_transaction_ms",
    ],
  ])("%s", async (lines, fault) => {
    const faults = await faultsOf(
      `[connections.x]\ndialect = "mysql"\nhost = "h"\nuser = "u"\ndatabase = "d"\n${lines}`,
    );
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  test.each([undefined, null, 5, "sql", []])("%j in place of a table", async (input) => {
    const refused = readConfiguration(input, sources());
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_OPTIONS" });
  });

  test("a store on a database that nothing says the place of", async () => {
    expect(await faultsOf('storage = "sql"')).toEqual([
      expect.stringContaining('names the connection "sql", which is not there'),
    ]);
  });
});

test("doc/configuration.md lists every key with its default, its unit and its meaning", () => {
  const path = new URL("../../../doc/configuration.md", import.meta.url);
  const rows = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  expect(rows).toEqual(
    CONFIGURATION_KEYS.map((each) => {
      const cells = [`\`${each.key}\``, each.default, each.unit, each.meaning];
      return `| ${cells.join(" | ")} |`.replaceAll("|  |", "| – |").replaceAll("|  |", "| – |");
    }),
  );
});

test("examples/skein.toml is a configuration, and keeps what it says where it says", async () => {
  const path = new URL("../../../examples/skein.toml", import.meta.url);
  const table = parse(readFileSync(path, "utf8")).persistent;
  const found = await readConfiguration(table, sources({ DATABASE_URL: "postgres://u@h/d" }));
  const at = (store: string) => connectionFor(found, { host: "chat.example", store });
  expect([at("roster"), at("archive"), at("last")]).toEqual(["sql", "sql", "memory"]);
});
