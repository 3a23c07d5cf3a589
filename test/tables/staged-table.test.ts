/** An empty node that joins: its tables take the rows of a session over, whatever happens meanwhile. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { VerificationReport } from "../../src/tables/comparison/verification.ts";
import { encodeKey } from "../../src/tables/key.ts";
import { defaultLimits } from "../../src/tables/limits.ts";
import { Replica } from "../../src/tables/replica.ts";
import { Row } from "../../src/tables/row.ts";
import { StagedTable } from "../../src/tables/staged-table.ts";
import { attachIndexes, checkDeclaration } from "../../src/tables/table-options.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { Mesh } from "./mesh.ts";

const KEYS = 40;

interface Act {
  readonly by: "donor" | "joiner";
  readonly verb: "set" | "patch" | "delete";
  readonly key: number;
  /** Turns of both nodes that go before it. */
  readonly turns: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  by: fc.constantFrom("donor", "joiner"),
  verb: fc.constantFrom("set", "patch", "delete"),
  key: fc.nat({ max: KEYS - 1 }),
  turns: fc.nat({ max: 3 }),
});

function keyOf(at: number): string {
  return encodeKey(at % 3 === 0 ? `key ${at}` : ["user", at]);
}

function tableOf(tables: Tables, lifetime: "node" | "cluster", ordered: boolean): TableState {
  const table = tables.open(checkDeclaration("t", { lifetime }));
  if (!table.declared) attachIndexes(table, { ordered });
  return table;
}

function perform(tables: Tables, table: TableState, { verb, key }: Act, count: number): void {
  const value = encodeValue({ count });
  if (verb === "set") tables.write.set(table, keyOf(key), value);
  else if (verb === "patch") tables.write.patch(table, keyOf(key), value);
  else tables.write.delete(table, keyOf(key));
}

function contents(table: TableState): unknown[] {
  const keys = table.ordered === null ? [...table.rows.keys()].sort() : [...table.ordered.scan()];
  expect(keys.length).toBe(table.rows.size);
  return keys.map((key) => [key, table.visible(key)?.value]);
}

function verified(mesh: Mesh, tables: Tables): VerificationReport | null {
  let report: VerificationReport | null = null;
  tables.verify(false, (found) => {
    report = found;
  });
  mesh.settle();
  return report;
}

describe("a table that takes a session's rows over", () => {
  it("holds what a merge of each would hold, with all counts, sums and its order", () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.record({
          lifetime: fc.constantFrom("node" as const, "cluster" as const),
          orderedAt: fc.constantFrom("nobody", "donor", "joiner", "both"),
          rows: fc.nat({ max: KEYS }),
          before: fc.array(act, { maxLength: 6 }),
          meanwhile: fc.array(act, { maxLength: 30 }),
        }),
        ({ lifetime, orderedAt, rows, before, meanwhile }) => {
          const mesh = new Mesh({ opRingOps: 2, chunkKeys: 3, sliceRows: 4 });
          const donor = mesh.start(1);
          const joiner = mesh.start(2, { except: [1] });
          const isOrderedAt = (who: string) => orderedAt === who || orderedAt === "both";
          const tables = {
            donor: tableOf(donor, lifetime, isOrderedAt("donor")),
            joiner: tableOf(joiner, lifetime, isOrderedAt("joiner")),
          };
          const nodes = { donor, joiner };
          let count = 0;
          for (let key = 0; key < rows; key++) {
            perform(donor, tables.donor, { by: "donor", verb: "set", key, turns: 0 }, ++count);
          }
          for (const one of before) perform(nodes[one.by], tables[one.by], one, ++count);
          mesh.link(donor, joiner);
          for (const one of meanwhile) {
            for (let turn = 0; turn < one.turns; turn++) mesh.turn();
            perform(nodes[one.by], tables[one.by], one, ++count);
          }
          mesh.settle();
          mesh.tick(2);
          taken += mesh.sum("tablesTaken");
          expect(contents(tables.joiner).sort()).toEqual(contents(tables.donor).sort());
          for (const tables of [donor, joiner]) {
            const report = verified(mesh, tables);
            expect(report?.own).toEqual([]);
            expect(report?.peers.map(({ differences }) => differences)).toEqual([[]]);
          }
          expect(mesh.sum("divergences")).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
    expect(taken).toBeGreaterThan(25);
  });

  it.each<[string, (replica: Replica, table: TableState) => void]>([
    [
      "what is known to be dead",
      ({ ahead }, table) => ahead.add({ table, key: "k", origin: 1, seq: 5 }),
    ],
    [
      "what is covered by now, and so dead",
      ({ origins }) => {
        origins.vector[1] = 5;
      },
    ],
    ["what is of an owner that is gone by now", (replica) => replica.close(7)],
    ["what a session under way must be told of", ({ touchSets }) => touchSets.add(new Map())],
    ["what comes into an index", (_, table) => attachIndexes(table, { indexes: { i: () => 1 } })],
    ["what is to be in order since it came", (_, table) => attachIndexes(table, { ordered: true })],
  ])("does not take over %s", (_what, befall) => {
    for (const isBefallen of [false, true]) {
      const replica = new Replica(2, defaultLimits, {});
      expect(replica.origins.intern(7)).toBe(1);
      const table = replica.table({ name: "t", type: "set", lifetime: "node" });
      const staged = new StagedTable(table, replica.origins);
      staged.take(new Row("k", encodeValue(1), 1, 5, 1, 5, 1, 1));
      if (isBefallen) befall(replica, table);
      expect(staged.becomesTable(replica)).toBe(!isBefallen);
      expect(table.rows.size).toBe(isBefallen ? 0 : 1);
    }
  });

  it("has what was staged, and not what was there before", () => {
    const replica = new Replica(2, defaultLimits, {});
    const table = replica.table({ name: "t", type: "set", lifetime: "cluster" });
    const self = replica.origins.self;
    for (const [seq, key] of ["mine", "both"].entries()) {
      replica.put(table, key, new Row(key, encodeValue(0), self, seq + 1, self, seq + 1, 1, 1));
    }
    const origin = replica.origins.intern(7);
    const staged = new StagedTable(table, replica.origins);
    for (const [seq, key] of ["theirs", "both"].entries()) {
      staged.take(new Row(key, encodeValue(1), origin, seq + 1, origin, seq + 1, 2, 2));
    }
    const asked = () => ["mine", "both", "theirs", "none"].map((key) => staged.has(key));
    expect(asked()).toEqual([false, true, true, false]);
    expect(staged.becomesTable(replica)).toBe(true);
    expect(asked()).toEqual([false, true, true, false]);
    expect([...staged.odd.keys()]).toEqual(["both"]);
    expect([...table.rows.keys()].sort()).toEqual(["both", "mine", "theirs"]);
  });

  it("tells those whom the node serves a session at that time", () => {
    const mesh = new Mesh({ opRingOps: 2, chunkKeys: 2, creditWindowBytes: 100 });
    const a = mesh.start(1);
    const c = mesh.start(2, { except: [1] });
    const d = mesh.start(3, { except: [1, 2] });
    const own = c.open(checkDeclaration("own", { lifetime: "cluster" }));
    for (let at = 0; at < 60; at++) c.write.set(own, keyOf(at), encodeValue(at));
    const atA = tableOf(a, "cluster", true);
    for (let at = 0; at < 5; at++) a.write.set(atA, keyOf(at), encodeValue(at));
    mesh.link(c, d);
    for (let turn = 0; turn < 5; turn++) mesh.turn();
    mesh.link(a, c);
    while (c.counters.merges === 0) mesh.turn();
    expect(c.peers.get(3)?.session).not.toBe(null);
    mesh.settle();
    expect(contents(tableOf(c, "cluster", true)).length).toBe(5);
    expect(contents(tableOf(d, "cluster", true)).length).toBe(5);
    mesh.tick();
    expect(mesh.sum("divergences")).toBe(0);
  });

  it("takes many rows in one turn, and keeps what was held under other keys and the same", () => {
    const mesh = new Mesh({ opRingOps: 2 });
    const donor = mesh.start(1);
    const joiner = mesh.start(2, { except: [1] });
    const [full, empty] = [donor, joiner].map((tables) => tableOf(tables, "cluster", true));
    if (full === undefined || empty === undefined) throw new Error("no tables");
    for (let at = 0; at < 5000; at++) donor.write.set(full, keyOf(at), encodeValue(at));
    joiner.write.set(empty, keyOf(7), encodeValue("later"));
    joiner.write.set(empty, encodeKey("mine"), encodeValue(1));
    mesh.link(donor, joiner);
    mesh.settle();
    expect(joiner.counters.tablesTaken).toBe(1);
    expect(joiner.counters.mergeSlices).toBeLessThan(3);
    expect(empty.rows.size).toBe(5001);
    expect(empty.multi).toEqual(new Set([keyOf(7)]));
    mesh.tick();
    expect(contents(full)).toEqual(contents(empty));
    expect(verified(mesh, joiner)?.own).toEqual([]);
  });
});
