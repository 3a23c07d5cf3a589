import { describe, expect, test } from "vitest";
import { DecodedValues } from "../../src/tables/decoded-values.ts";
import { Row } from "../../src/tables/row.ts";
import { decodeValue, encodeValue } from "../../src/tables/value.ts";
import { Pair } from "./pair.ts";

function rows(count: number): Row[] {
  return Array.from({ length: count }, (_, at) => {
    return new Row(`k${at}`, encodeValue({ at }), 0, at + 1, 0, at + 1, 1, 0);
  });
}

function keptOf(all: readonly Row[]): number[] {
  return all.flatMap((row, at) => (row.decoded === undefined ? [] : [at]));
}

describe("values that stay decoded", () => {
  test("are those decoded last, as many as fit", () => {
    const all = rows(10);
    const [first] = all as [Row];
    const decoded = new DecodedValues((first.value.length + 64) * 3);
    for (const row of all) decoded.keep(row, decodeValue(row.value));
    expect(keptOf(all)).toEqual([7, 8, 9]);
  });

  test("are none if not one fits, and no more after many thousands", () => {
    const all = rows(3);
    const none = new DecodedValues(10);
    for (const row of all) none.keep(row, 1);
    expect(keptOf(all)).toEqual([]);
    const some = new DecodedValues(1000);
    const many = rows(20_000);
    for (const row of many) some.keep(row, 1);
    expect(keptOf(many).length).toBeGreaterThan(5);
    expect(keptOf(many).length).toBeLessThan(15);
  });

  test("of a table are read as before, also those that were given up", () => {
    const { a } = new Pair({ decodedBytes: 200 });
    const table = a.open({ name: "t", type: "set", lifetime: "node" });
    for (let at = 0; at < 20; at++) a.write.set(table, `k${at}`, encodeValue({ at }));
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 20; at++) {
        const row = table.visible(`k${at}`) as Row;
        expect(table.read(row)).toEqual({ at });
        expect(table.read(row)).toBe(table.read(row));
      }
    }
    expect(keptOf([...table.rows.values()]).length).toBeLessThan(4);
    a.write.set(table, "k19", encodeValue({ at: "new" }));
    expect(table.read(table.visible("k19") as Row)).toEqual({ at: "new" });
  });
});
