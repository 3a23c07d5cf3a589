/** Replicas that are damaged on purpose: who notices, and what is mended. */
import { describe, expect, it } from "vitest";
import type { VerificationReport } from "../../src/tables/comparison/verification.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { Row } from "../../src/tables/row.ts";
import { attachIndexes } from "../../src/tables/table-options.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { decodeValue, encodeValue } from "../../src/tables/value.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { Mesh } from "./mesh.ts";

const SESSIONS = { name: "sessions", type: "set", lifetime: "node" } as const;
const ROOMS = { name: "rooms", type: "set", lifetime: "cluster" } as const;
const TAGS = { name: "tags", type: "bag", lifetime: "cluster" } as const;

const at = (tables: Tables, identity: typeof SESSIONS | typeof ROOMS | typeof TAGS): TableState =>
  tables.open(identity);

function set(tables: Tables, table: typeof SESSIONS | typeof ROOMS, key: string, value: unknown) {
  tables.write.set(at(tables, table), encodeKey(key), encodeValue(value));
}

/** Three nodes, some rows of each, at rest. */
function three(rows = 20): { mesh: Mesh; a: Tables; b: Tables; c: Tables; diverged: string[] } {
  const mesh = new Mesh();
  const diverged: string[] = [];
  const start = (id: number): Tables =>
    mesh.start(id, { events: { diverged: (peer) => diverged.push(`${id} with ${peer}`) } });
  const [a, b, c] = [start(1), start(2), start(3)];
  for (const tables of [a, b, c]) {
    for (let row = 0; row < rows; row++) {
      set(tables, SESSIONS, `${tables.origin}/${row}`, { row, u: `u${row % 3}` });
      set(tables, ROOMS, `${tables.origin}/${row}`, { row });
    }
  }
  mesh.tick(2);
  return { mesh, a, b, c, diverged };
}

/** Everything that a node holds, as one text. */
function contents(tables: Tables): string {
  const { ids } = tables.replica.origins;
  const lines: string[] = [];
  for (const table of tables.replica.tables.values()) {
    for (const head of table.rows.values()) {
      for (let row: Row | null = head; row !== null; row = row.next) {
        const birth = `${ids[row.birthOrigin]}.${row.birthSeq}`;
        const dot = `${ids[row.dotOrigin]}.${row.dotSeq}`;
        const value = JSON.stringify(decodeValue(row.value));
        lines.push(`${table.id} ${row.key} ${birth} ${dot} ${value}`);
      }
    }
  }
  return lines.sort().join("\n");
}

function rowOf(tables: Tables, table: typeof SESSIONS | typeof ROOMS, key: string): Row {
  const row = at(tables, table).rows.get(encodeKey(key));
  if (row === undefined) throw new Error(`no row ${key}`);
  return row;
}

/** As a fault of the engine would: the row goes, and the sums know it. */
function lose(tables: Tables, table: typeof SESSIONS | typeof ROOMS, key: string): void {
  tables.replica.drop(at(tables, table), rowOf(tables, table, key));
}

function report(mesh: Mesh, tables: Tables, repair: boolean): VerificationReport {
  let found: VerificationReport | null = null;
  tables.verify(repair, (given) => {
    found = given;
  });
  mesh.settle();
  if (found === null) throw new Error("the verification did not end");
  return found;
}

describe("a replica that diverged", () => {
  it("by a lost row is noticed with the next pings, told once, and mended", () => {
    const { mesh, a, b, c, diverged } = three();
    const whole = contents(a);
    lose(b, SESSIONS, "1/3");
    mesh.tick(2);
    expect(contents(b)).toBe(whole);
    expect(b.counters.mendedRows).toBe(1);
    expect(diverged).toContain("2 with 1");
    expect(new Set(diverged).size).toBe(diverged.length);
    mesh.tick(2);
    const { divergences } = b.counters;
    mesh.tick(3);
    expect(b.counters.divergences).toBe(divergences);
    expect([contents(a), contents(c)]).toEqual([whole, whole]);
  });

  it("by a row that was deleted everywhere loses it again", () => {
    const { mesh, a, b, c } = three();
    const { key, value, birthSeq, hi, lo } = rowOf(b, ROOMS, "1/5");
    a.write.delete(at(a, ROOMS), key);
    mesh.tick(1);
    const whole = contents(a);
    const origin = b.replica.origins.find(1);
    const ghost = { birthOrigin: origin, birthSeq, dotOrigin: origin, dotSeq: birthSeq };
    b.replica.restore(at(b, ROOMS), key, { ...ghost, hi, lo, value });
    expect(contents(b)).not.toBe(whole);
    mesh.tick(3);
    expect([contents(a), contents(b), contents(c)]).toEqual([whole, whole, whole]);
  });

  it("by an older write under a birth gets the newest one", () => {
    const { mesh, a, b } = three();
    const old = rowOf(b, ROOMS, "1/5");
    const before = { ...old, value: old.value };
    a.write.patch(at(a, ROOMS), old.key, encodeValue({ row: 5, patched: true }));
    mesh.tick();
    const whole = contents(a);
    b.replica.restore(at(b, ROOMS), old.key, before);
    mesh.tick(2);
    expect(contents(b)).toBe(whole);
  });

  it("by a row of an owner that is gone takes it from whoever holds it", () => {
    const { mesh, a, b, c } = three();
    mesh.end(3, true);
    mesh.tick(3);
    expect(a.replica.origins.retired.has(3)).toBe(true);
    const whole = contents(a);
    lose(a, ROOMS, "3/1");
    lose(b, ROOMS, "3/2");
    mesh.tick(3);
    expect([contents(a), contents(b)]).toEqual([whole, whole]);
    expect(c.counters.divergences).toBe(0);
  });

  it("at the owner itself is right: the others follow it", () => {
    const { mesh, a, b, c } = three();
    lose(a, SESSIONS, "1/3");
    const whole = contents(a);
    mesh.tick(3);
    expect([contents(a), contents(b), contents(c)]).toEqual([whole, whole, whole]);
  });

  it("costs bytes in proportion to what differs", () => {
    const { mesh, b } = three(3000);
    const quiet = mesh.bytes;
    mesh.tick();
    const perTick = mesh.bytes - quiet;
    lose(b, SESSIONS, "1/3");
    lose(b, ROOMS, "3/7");
    const before = mesh.bytes;
    mesh.tick();
    // The sums of 18,000 rows in 4,500 buckets, up to four times; the rows would be 900 KB.
    expect(mesh.bytes - before - perTick).toBeLessThan(4 * 8192 * 8 + 10_000);
    expect(at(b, SESSIONS).rows.size).toBe(9000);
  });

  it("in anything, at any node, is as it was after a few pings", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const { mesh, a, b, c } = three(8);
      const whole = contents(a);
      const random = new SeededRandom(seed, 3);
      for (let damage = 0; damage < 4; damage++) {
        const node = random.pick([a, b, c]);
        // The owner is right about its own rows, whatever it did to them.
        const owner = random.pick([a, b, c].filter((other) => other !== node));
        const table = random.pick([SESSIONS, ROOMS]);
        const key = `${owner.origin}/${random.int(0, 7)}`;
        if (at(node, table).rows.get(encodeKey(key)) !== undefined) lose(node, table, key);
      }
      mesh.tick(4);
      expect([seed, contents(a), contents(b), contents(c)]).toEqual([seed, whole, whole, whole]);
    }
  });
});

describe("verify and repair", () => {
  it("find nothing where all is well, also while rows are written all the time", () => {
    const { mesh, a, b, c } = three();
    let found: VerificationReport | null = null;
    a.verify(false, (given) => {
      found = given;
    });
    for (let turn = 0; turn < 500 && found === null; turn++) {
      for (const tables of [a, b, c]) {
        set(tables, SESSIONS, `x${turn % 40}`, { turn, by: tables.origin });
        if (turn % 3 === 0) tables.write.delete(at(tables, SESSIONS), encodeKey(`x${turn % 7}`));
      }
      mesh.turn();
    }
    expect(found).not.toBe(null);
    const { own, peers } = found as unknown as VerificationReport;
    expect(own).toEqual([]);
    expect(peers.map(({ state, differences }) => [state, differences.length])).toEqual([
      ["compared", 0],
      ["compared", 0],
    ]);
    mesh.tick(2);
    expect(mesh.sum("divergences")).toBe(0);
  });

  it("see a value that changed in memory, which no digest sees", () => {
    const { mesh, a, b, c } = three();
    const whole = contents(a);
    const row = rowOf(b, SESSIONS, "1/4");
    row.value = encodeValue({ row: 4, u: "u0" });
    mesh.tick(3);
    expect(mesh.sum("divergences")).toBe(0);
    const { peers } = report(mesh, c, false);
    expect(
      peers.map(({ name, differences }) => [name, differences.map(({ kind }) => kind)]),
    ).toEqual([
      ["n1", []],
      ["n2", ["other"]],
    ]);
    expect(contents(b)).not.toBe(whole);
    report(mesh, a, true);
    mesh.settle();
    expect([contents(a), contents(b), contents(c)]).toEqual([whole, whole, whole]);
  });

  it("name what is missing, what is too much, and where", () => {
    const { mesh, a, b } = three();
    lose(b, ROOMS, "1/1");
    const [first] = report(mesh, a, false).peers;
    const said = first?.differences.map(({ table, key, kind }) => [table.name, key, kind]);
    expect([first?.name, said]).toEqual(["n2", [["rooms", "1/1", "extra"]]]);
    const [other] = report(mesh, b, false).peers;
    expect(other?.differences.map(({ kind }) => kind)).toEqual(["missing"]);
  });

  it("find rows that vanished from memory past all sums, and put them back", () => {
    const { mesh, a, b } = three();
    const whole = contents(a);
    at(b, SESSIONS).rows.delete(encodeKey("3/3"));
    mesh.tick(2);
    expect(contents(b)).not.toBe(whole);
    const { own } = report(mesh, b, true);
    expect(own.map(({ kind }) => kind).sort()).toEqual(["counts", "digest"]);
    mesh.tick(2);
    expect(contents(b)).toBe(whole);
    expect(at(b, SESSIONS).size).toBe(at(a, SESSIONS).size);
    expect(mesh.sum("divergences")).toBe(0);
  });

  it("mend orders and indexes that lost or kept a key too many", () => {
    const { mesh, a } = three();
    const table = at(a, SESSIONS);
    attachIndexes(table, { ordered: true, indexes: { u: (v: { u: string }) => v.u } } as never);
    const [index] = table.indexes;
    index?.forget(encodeKey("1/4"), encodeKey("u1"));
    index?.add(encodeKey("1/5"), { u: "u9" });
    table.ordered?.delete(encodeKey("2/2"));
    table.ordered?.add(encodeKey("nobody"));
    const { own } = report(mesh, a, true);
    expect(own.map(({ kind, key }) => `${kind} ${key}`).sort()).toEqual([
      "index 1/4",
      "index 1/5",
      "order 2/2",
      "order nobody",
    ]);
    expect(report(mesh, a, false).own).toEqual([]);
    expect(index?.count(encodeKey("u9"))).toBe(0);
    expect(table.ordered?.size).toBe(table.rows.size);
  });

  it("compare bags and siblings, births by births", () => {
    const { mesh, a, b } = three(1);
    for (const n of [1, 2, 3]) a.write.add(at(a, TAGS), encodeKey("k"), encodeValue(n));
    mesh.tick();
    const whole = contents(a);
    const table = at(b, TAGS);
    const row = table.rows.get(encodeKey("k"))?.next as Row;
    b.replica.drop(table, row);
    mesh.tick(2);
    expect(contents(b)).toBe(whole);
  });

  it("say which peer is too old to be compared with, and which link broke", () => {
    const mesh = new Mesh();
    const a = mesh.start(1);
    mesh.start(2, { features: [] });
    mesh.settle();
    expect(report(mesh, a, false).peers.map(({ state }) => state)).toEqual(["unsupported"]);
    mesh.start(3);
    mesh.settle();
    let found: VerificationReport | null = null;
    a.verify(false, (given) => {
      found = given;
    });
    a.run();
    mesh.cut(1, 3);
    const { peers } = found as unknown as VerificationReport;
    expect(peers.map(({ id, state }) => `${id} ${state}`).sort()).toEqual([
      "2 unsupported",
      "3 broken",
    ]);
  });
});
