import { describe, expect, it } from "vitest";
import {
  resolveNodeSettings,
  type SettingSources,
  secretsOf,
} from "../../src/cli/node-settings.ts";
import { InvalidOptionsError } from "../../src/errors.ts";

const enough = { cluster: "chat", url: "sqlite:/tmp/d.db" };

function resolve(sources: Partial<SettingSources>) {
  return resolveNodeSettings({ flags: {}, env: {}, ...sources });
}

function faults(sources: Partial<SettingSources>): readonly string[] {
  try {
    resolve(sources);
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.faults;
    throw error;
  }
  return [];
}

const file = (values: Record<string, unknown>) => ({ path: "node.toml", values });

describe("the settings of a node", () => {
  it("have defaults for all but the cluster and where to find it", () => {
    expect(resolve({ flags: enough })).toEqual({
      cluster: "chat",
      url: "sqlite:/tmp/d.db",
      listen: { host: "127.0.0.1", port: 7400 },
      admin: { host: "127.0.0.1", port: 7401 },
      logLevel: "info",
    });
  });

  it("are taken from a flag before the environment, and from that before the file", () => {
    const all = {
      flags: { ...enough, name: "flag" },
      env: { SKEIN_NAME: "env", SKEIN_LISTEN: "127.0.0.1:2" },
      file: file({ name: "file", listen: "127.0.0.1:3", log_level: "warn" }),
    };
    expect(resolve(all)).toMatchObject({
      name: "flag",
      listen: { host: "127.0.0.1", port: 2 },
      logLevel: "warn",
    });
  });

  it("take DATABASE_URL where no other URL is given in the environment", () => {
    const env = { SKEIN_CLUSTER: "c", DATABASE_URL: "postgres://db/app" };
    expect(resolve({ env }).url).toBe("postgres://db/app");
    expect(resolve({ env: { ...env, SKEIN_DISCOVERY_URL: "sqlite:x" } }).url).toBe("sqlite:x");
    expect(resolve({ env, flags: { url: "sqlite:y" } }).url).toBe("sqlite:y");
  });

  it("count an empty variable as not given", () => {
    const env = { SKEIN_NAME: "", SKEIN_SECRET: "", SKEIN_DISCOVERY_URL: "" };
    const settings = resolve({ env, file: file({ ...enough, name: "file" }) });
    expect(settings).toMatchObject({ name: "file", url: enough.url });
    expect(settings).not.toHaveProperty("secret");
  });

  it("refuse an unknown key of the file and say which are known", () => {
    const [fault] = faults({ file: file({ ...enough, lisen: "127.0.0.1:1" }) });
    expect(fault).toMatch(/node\.toml has the unknown key "lisen".*cluster, name, listen/);
  });

  it("name every fault in one message, each with its place", () => {
    const found = faults({
      flags: { listen: "7400" },
      env: { SKEIN_ADMIN: "127.0.0.1:99999", SKEIN_LOG_LEVEL: "loud" },
      file: file({ naem: 1, name: 7 }),
    });
    expect(found).toHaveLength(7);
    expect(found.join("\n")).toMatch(/unknown key "naem"/);
    expect(found.join("\n")).toMatch(/the setting cluster is missing; give --cluster or SKEIN_CLU/);
    expect(found.join("\n")).toMatch(/the setting url is missing; .* or DATABASE_URL or url in/);
    expect(found.join("\n")).toMatch(/name in node\.toml is 7; a text/);
    expect(found.join("\n")).toMatch(/--listen is "7400"; allowed is host:port/);
    expect(found.join("\n")).toMatch(/SKEIN_ADMIN is "127.0.0.1:99999"; .* or "off"/);
    expect(found.join("\n")).toMatch(/SKEIN_LOG_LEVEL is "loud"; allowed are trace, debug/);
  });

  it.each(["0.0.0.0", ":7400", "host:", "host:1:2", "::1:7400", "host:70000", "a b:1"])(
    "refuse the half-given or malformed address %j",
    (listen) => {
      expect(faults({ flags: { ...enough, listen } })[0]).toMatch(/--listen is .* in brackets/);
    },
  );

  it("take an IPv6 host in brackets", () => {
    const { listen } = resolve({ flags: { ...enough, listen: "[::1]:7400" } });
    expect(listen).toEqual({ host: "::1", port: 7400 });
  });

  it("switch the admin port off when asked to", () => {
    expect(resolve({ flags: { ...enough, admin: "off" } })).not.toHaveProperty("admin");
  });

  it("want a secret off loopback, and say so together with the other faults", () => {
    const found = faults({ flags: { ...enough, listen: "0.0.0.0:7400", logLevel: "x" } as never });
    expect(found.join()).toMatch(/not loopback, so a secret is required/);
    expect(faults({ flags: { ...enough, listen: "0.0.0.0:1", secret_file: "/s" } })).toEqual([]);
  });

  it("refuse an address to advertise that is no ws URL", () => {
    expect(faults({ flags: { ...enough, advertise: "node-a:7400" } })[0]).toMatch(/ws:\/\//);
  });
});

describe("the secret", () => {
  it("is one, or two while they are rotated", () => {
    expect(resolve({ flags: enough, env: { SKEIN_SECRET: "s" } }).secret).toEqual(["s"]);
    const both = resolve({ file: file({ ...enough, secret: ["new", "old"] }) });
    expect(both.secret).toEqual(["new", "old"]);
  });

  it("is refused where it and a file of it are given in one place", () => {
    const env = { SKEIN_SECRET: "hidden-1", SKEIN_SECRET_FILE: "/run/secret" };
    const found = faults({ flags: enough, env });
    expect(found).toEqual([
      "SKEIN_SECRET and SKEIN_SECRET_FILE are both given; allowed is one of them",
    ]);
  });

  it("is taken from the nearer place, whichever form it has there", () => {
    const values = file({ secret: "far" });
    const near = resolve({ flags: { ...enough, secret_file: "/near" }, file: values });
    expect(near).toMatchObject({ secretFile: "/near" });
    expect(near).not.toHaveProperty("secret");
    const env = { SKEIN_SECRET: "near" };
    const plain = resolve({ flags: enough, env, file: file({ secret_file: "/far" }) });
    expect(plain).toMatchObject({ secret: ["near"] });
    expect(plain).not.toHaveProperty("secretFile");
  });

  it.each([[[]], [["a", "b", "c"]], [["a", ""]], [7], [[1]]])("is not %j", (secret) => {
    expect(faults({ file: file({ ...enough, secret }) })[0]).toMatch(/secret in node.toml is not/);
  });

  it("is never repeated in a fault", () => {
    const found = faults({ file: file({ secret: ["hidden-1", "hidden-2", "hidden-3"] }) });
    expect(found.join()).not.toMatch(/hidden/);
  });

  it("is read from a file by lines", () => {
    expect(secretsOf("one\n", "f")).toEqual(["one"]);
    expect(secretsOf("new\r\nold\n", "f")).toEqual(["new", "old"]);
    expect(() => secretsOf("\n", "f")).toThrow(/f is empty/);
    expect(() => secretsOf("a\nb\nc", "f")).toThrow(/f has 3 lines/);
  });
});
