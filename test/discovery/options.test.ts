import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import type { DiscoveryOptions } from "../../src/discovery/options.ts";
import { InvalidOptionsError } from "../../src/errors.ts";
import { silentLog } from "../../src/runtime.ts";
import { parseDatabaseUrl } from "../../src/sql/target.ts";
import { realClock, realRandom } from "./clocks.ts";

const environment = { clock: realClock, random: realRandom, log: silentLog };

/** Options as a user without a type checker may give them. */
function create(options: object) {
  return createDiscovery(options as DiscoveryOptions, environment);
}

function faultsOf(options: object): readonly string[] {
  try {
    create(options);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.faults;
    throw error;
  }
  return [];
}

describe("the backend is chosen by the option", () => {
  test.each([
    [{ nodes: [] }, "static"],
    [{ nodes: ["ws://a:1"], timings: { errorMs: 10 } }, "static"],
    [{ file: "nodes.txt" }, "file"],
    [{ dns: { host: "skein.default.svc.cluster.local", port: 7400 } }, "dns"],
    [{ dns: { srv: "_skein._tcp.example.com", scheme: "wss" } }, "dns"],
    [{ getNodes: () => [] }, "function"],
    [{ url: "sqlite:skein.db" }, "sqlite"],
    [{ url: "postgres://u:p@h/db", tableOptions: { prefix: "chat_" } }, "postgres"],
    [{ url: "postgresql://u:p@h/db?sslmode=require" }, "postgres"],
    [{ url: "mysql://u:p@h/db" }, "mysql"],
    [{ url: "mariadb://u:p@h/db" }, "mysql"],
    [{ url: "cockroachdb://u:p@h/db" }, "cockroach"],
  ])("%j is %s", (options, kind) => {
    expect(create(options).kind).toBe(kind);
  });
});

describe("bad options are refused with all their faults", () => {
  test.each<[object, string]>([
    [{}, "exactly one of url, file, nodes, dns, getNodes must be given, and none is"],
    [{ nodes: [], file: "a" }, "and file and nodes is"],
    [{ url: undefined }, "and none is"],
    [{ nodes: [], urll: 1 }, "urll: is not known"],
    [{ nodes: "ws://a:1" }, "nodes: is of type string"],
    [{ nodes: ["ws://a:1", "", 7] }, "nodes[2]: is of type number"],
    [{ nodes: ["a b"] }, "nodes[0]: has white space"],
    [{ nodes: [], tableOptions: {} }, "tableOptions: are of use with url only"],
    [{ file: "" }, "file: is empty"],
    [{ file: 5 }, "file: is of type number"],
    [{ getNodes: "x" }, "getNodes: is of type string"],
    [{ dns: {} }, "dns: has neither of host and srv"],
    [{ dns: { host: "a", srv: "b", port: 1 } }, "dns: has both of host and srv"],
    [{ dns: { host: "a" } }, "dns.port: is undefined, allowed with host is 1 to 65535"],
    [{ dns: { host: "a", port: 65536 } }, "dns.port: is 65536"],
    [{ dns: { host: "a b", port: 1 } }, 'dns.host: is "a b"'],
    [{ dns: { srv: "a", port: 1 } }, "dns.port: is part of SRV records"],
    [{ dns: { srv: "a", scheme: "http" } }, 'dns.scheme: is "http"'],
    [{ dns: { host: "a", port: 1, family: 5 } }, "dns.family: is 5"],
    [{ dns: { host: "a", port: 1, servers: ["dns.example"] } }, "dns.servers: holds what is no"],
    [{ dns: { host: "a", port: 1, ttl: 5 } }, "dns.ttl: is not known"],
    [{ url: "sqlite:a", tableOptions: { prefix: "a-b" } }, 'tableOptions.prefix: is "a-b"'],
    [{ url: "sqlite:a", tableOptions: { leaseMs: 999 } }, "tableOptions.leaseMs: is 999, at least"],
    [{ url: "sqlite:a", tableOptions: { expireMs: 1 } }, "tableOptions.expireMs: is not known"],
    [
      { url: "sqlite:a", tableOptions: { expireAfterMs: 420_000 } },
      "must be above staleAfterMs, which is 420000",
    ],
    [
      { url: "sqlite:a", tableOptions: { staleAfterMs: 300_000 } },
      "tableOptions.staleAfterMs: is 300000, must be above 336100 ms",
    ],
    [{ url: "sqlite:a", timings: { regularMs: 600_000 } }, "must be above 666100 ms"],
    [{ nodes: [], timings: { errorMs: -1 } }, "timings.errorMs: is -1"],
    [{ nodes: [], timings: { intervalMs: 1 } }, "timings.intervalMs: is not known"],
  ])("%j", (options, fault) => {
    expect(faultsOf(options).join("\n")).toContain(fault);
  });

  test("several faults come together", () => {
    const faults = faultsOf({ file: "", nodes: [""], timings: { errorMs: 0 }, other: 1 });
    expect(faults).toHaveLength(5);
  });

  test("no object at all is refused", () => {
    for (const options of [null, undefined, "postgres://u:p@h/d"]) {
      expect(() => createDiscovery(options as never, environment)).toThrow(InvalidOptionsError);
    }
  });
});

describe("the address of a database", () => {
  test("has all its parts decoded, and the port of its kind by default", () => {
    const url =
      "postgres://us%40er:p%2Fw%23%3A@db.example:5433/my%20db?sslmode=verify-full&sslrootcert=/ca.pem";
    expect(parseDatabaseUrl(url).target).toEqual({
      dialect: "postgres",
      host: "db.example",
      port: 5433,
      user: "us@er",
      password: "p/w#:",
      database: "my db",
      tls: "verify-full",
      caFile: "/ca.pem",
    });
    for (const [scheme, port] of [
      ["postgresql", 5432],
      ["mysql", 3306],
      ["mariadb", 3306],
      ["cockroachdb", 26257],
    ]) {
      expect(parseDatabaseUrl(`${scheme}://u@h/d`).target).toMatchObject({ port });
    }
    expect(parseDatabaseUrl("postgres://u@[::1]/d").target).toMatchObject({ host: "::1" });
    expect(parseDatabaseUrl("postgres://u@x/d?host=/run/pg").target).toMatchObject({
      host: "/run/pg",
    });
  });

  test.each([
    ["sqlite:/var/lib/skein.db", "/var/lib/skein.db"],
    ["sqlite:///var/lib/skein.db", "/var/lib/skein.db"],
    ["sqlite:data/skein.db", "data/skein.db"],
    ["sqlite:./skein.db", "./skein.db"],
  ])("%s is the file %s", (url, path) => {
    expect(parseDatabaseUrl(url)).toEqual({ target: { dialect: "sqlite", path }, faults: [] });
  });

  test.each([
    ["sqlite:", "names no file"],
    ["sqlite::memory:", "a database in memory is not shared"],
    ["sqlite:file::memory:?cache=shared", "a database in memory is not shared"],
    ["sqlite://host/file", "sqlite:// is followed by a host"],
    ["sqlite:a.db?mode=ro", "has ? or # in it"],
    ["", "url: is empty"],
    [7, "url: is of type number"],
    ["localhost/db", "has no known scheme"],
    ["redis://h/1", "has the scheme redis://"],
    ["postgres://", "names no host"],
    ["postgres://h/db", "names no user"],
    ["postgres://u@h", "must name one database"],
    ["postgres://u@h/a/b", "must name one database"],
    ["postgres://u@h:99999/db", "is not a URL of the form"],
    ["postgres://u:%zz@h/db", "is not a URL of the form"],
    ["postgres://u@h/db?sslmode=maybe", "has a sslmode that is not known"],
    ["postgres://u@h/db?sslrootcert=a", "of no use without sslmode=verify-full"],
    ["postgres://u@h/db?max=5", "has a parameter that is not known"],
    ["postgres://u@h/db?host=db2", "is for the path of a Unix socket"],
  ])("%j is refused: %s", (url, fault) => {
    const { target, faults } = parseDatabaseUrl(url);
    expect(target).toBeUndefined();
    expect(faults.join("\n")).toContain(fault);
  });

  test.each([
    "postgres://user:SECRET@h:99999/db",
    "postgres://user:SECRET@/db",
    "postgres://user:SECRET@h",
    "postgres://user:12#SECRET@h/db",
    "postgres://user:SEC#SECRET@h/db",
    "postgres://user:12/SECRET@h/db",
    "postgres://user:12?SECRET@h/db",
    "postgres://user:SECRET@h/db?password=SECRET",
    "postgres://user:SECRET@h/db?SECRET=1",
    "postgres://user:SECRET@h/db?sslmode=SECRET",
    "SECRET:postgres://user@h/db",
    "user:SECRET@h/db",
    "redis://user:SECRET@h/0",
    "postgres//user:SECRET@h/db",
    "sqlite:a.db?key=SECRET",
    "postgres://user:%zzSECRET@h/db",
  ])("%s is refused without showing the secret", (url) => {
    let refused: unknown;
    try {
      create({ url });
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(InvalidOptionsError);
    expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain("SECRET");
  });

  test("a secret that was taken is not shown by the backend", () => {
    const backend = create({ url: "postgres://user:SECRET@h/db" });
    expect(inspect(backend, { depth: 20, showHidden: true })).not.toContain("SECRET");
    expect(JSON.stringify(backend)).not.toContain("SECRET");
  });
});
