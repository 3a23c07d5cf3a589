/** Which back end keeps which store, and what is wrong with a configuration. */
import { describe, expect, it } from "vitest";
import { InvalidOptionsError } from "../../../src/errors.ts";
import { StoresPlan } from "../../../src/persistent/configuration/stores-configuration.ts";

const files = { adapter: "file", folder: "/data" };

describe("a store is kept by", () => {
  it("the one name for all stores", () => {
    const plan = StoresPlan.of({ stores: "memory" });
    expect(plan.connectionFor("a", "roster")).toBe("memory");
    expect(plan.connections.map(({ name }) => name)).toEqual(["memory"]);
  });

  it("its name in the table, else the default", () => {
    const plan = StoresPlan.of({
      default: "files",
      stores: { roster: "memory", constructor: "none" },
      connections: { files },
    });
    expect(plan.connectionFor("a", "roster")).toBe("memory");
    expect(plan.connectionFor("a", "constructor")).toBe("none");
    expect(plan.connectionFor("a", "vcard")).toBe("files");
    expect(plan.connectionFor("a", "toString")).toBe("files");
  });

  it("what its host says, before what is said for all", () => {
    const plan = StoresPlan.of({
      default: "none",
      stores: { roster: "null" },
      hosts: {
        one: { stores: "memory" },
        two: { default: "memory" },
        three: { stores: { vcard: "memory" } },
      },
    });
    const of = (host: string) =>
      ["roster", "vcard"].map((store) => plan.connectionFor(host, store));
    expect(of("one")).toEqual(["memory", "memory"]);
    expect(of("two")).toEqual(["memory", "memory"]);
    expect(of("three")).toEqual(["null", "memory"]);
    expect(of("four")).toEqual(["null", "none"]);
    expect(of("constructor")).toEqual(["null", "none"]);
  });

  it("a connection, whose adapter is its name unless it says otherwise", () => {
    const plan = StoresPlan.of({
      default: "internal",
      connections: { internal: { folder: "/data" }, cache: { adapter: "redis", url: "redis://x" } },
    });
    expect(plan.connections.map(({ name, factory }) => [name, factory.name])).toEqual([
      ["internal", "file"],
      ["cache", "redis"],
    ]);
    expect(plan.connections[0]?.options).toEqual({ folder: "/data" });
  });

  it("nobody, if nothing is said: there is no hidden choice", () => {
    const plan = StoresPlan.of({ stores: { roster: "memory" } });
    expect(() => plan.connectionFor("a.example", "vcard")).toThrow(
      /no back end is named for the store "vcard" of a\.example/,
    );
  });
});

describe("a configuration is refused", () => {
  it("with all faults at once", () => {
    try {
      StoresPlan.of({
        default: "sql",
        stores: { roster: "nowhere" },
        hosts: { h: { default: "file" } },
        connections: { a: { adapter: "oracle" }, files },
      });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidOptionsError);
      const { faults } = error as InvalidOptionsError;
      expect(faults).toHaveLength(4);
      expect(faults[0]).toMatch(
        /connections\.a has the unknown adapter "oracle"; known are memory/,
      );
      expect(faults.slice(1).join()).toMatch(/default names no.*stores\.roster.*hosts\.h\.default/);
    }
  });

  it.each<[unknown, RegExp]>([
    [null, /the configuration is no object/],
    [{ storage: "sql" }, /unknown part "storage"; known are default, stores, hosts, connections/],
    [{ default: "memory", stores: "memory" }, /stores is for all stores: default is of no use/],
    [{ default: 1 }, /default is no name/],
    [{ stores: { roster: 5 } }, /stores\.roster is no name/],
    [{ stores: ["memory"] }, /stores is no object/],
    [{ hosts: { a: "memory" } }, /hosts\.a is no object/],
    [{ hosts: { a: { defautl: "memory" } } }, /unknown part "hosts\.a\.defautl"/],
    [{ connections: { a: 5 } }, /connections\.a is no object/],
    [{ connections: { a: { adapter: 5 } } }, /connections\.a\.adapter is no name/],
  ])("that is %o", (given, message) => {
    expect(() => StoresPlan.of(given as object)).toThrow(message);
  });
});
