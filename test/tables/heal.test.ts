/** What two nodes send each other after they were apart for longer than their rings reach. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ByteWriter } from "../../src/bytes.ts";
import { ProtocolError } from "../../src/errors.ts";
import { bucketsForBirths } from "../../src/tables/digest.ts";
import { FEATURE_HELD, TABLES_FEATURES } from "../../src/tables/features.ts";
import { FRAME_HELD } from "../../src/tables/frame-kinds.ts";
import { decodeHeld } from "../../src/tables/held-births.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { Tables } from "../../src/tables/tables.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { Mesh } from "./mesh.ts";

const ROWS = 8000;
const SESSIONS = { name: "sessions", type: "set", lifetime: "cluster" } as const;
const WITHOUT_LISTS = TABLES_FEATURES.filter((feature) => feature !== FEATURE_HELD);

function keyOf(at: number): string {
  return encodeKey(["example.com", `user${String(at).padStart(8, "0")}`, "phone"]);
}

function set(tables: Tables, at: number, by: string): void {
  const value = { by, at, client: "Conversations", version: "2.12.1", ip: "10.0.0.1" };
  tables.write.set(tables.open(SESSIONS), keyOf(at), encodeValue(value));
}

/** Two nodes of the same rows whose rings reach back four ops, not linked. */
function apart(rows: number): { mesh: Mesh; a: Tables; b: Tables } {
  const mesh = new Mesh({ opRingOps: 4 });
  const [a, b] = [mesh.start(1), mesh.start(2)];
  for (let at = 0; at < rows; at++) set(a, at, "a");
  mesh.tick();
  mesh.cut(1, 2);
  return { mesh, a, b };
}

/** A sum of what readers see. */
function rowsOf(tables: Tables): string {
  const table = tables.open(SESSIONS);
  const rows = [...table.rows.keys()].sort().map((key) => [key, table.visible(key)?.value]);
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

/** Bytes that it takes to heal after each has set so many rows of its own. */
function healed(differingPerSide: number, features = TABLES_FEATURES): number {
  const { mesh, a, b } = apart(ROWS);
  for (let at = 0; at < differingPerSide; at++) {
    set(a, at, "a again");
    set(b, ROWS - 1 - at, "b");
  }
  const before = mesh.bytes;
  mesh.link(a, b, features);
  mesh.settle();
  expect(mesh.sum("sessions")).toBeGreaterThanOrEqual(2);
  expect(rowsOf(a)).toBe(rowsOf(b));
  return mesh.bytes - before;
}

describe("a heal by state", () => {
  it("sends little more than the rows that differ, however many rows there are", () => {
    const [few, many] = [healed(10), healed(500)];
    // A row takes about 150 bytes.
    expect(few).toBeLessThan(11_000);
    expect(many).toBeLessThan(1000 * 150 + 30_000);
  });

  it("sends the rows alone where all of them differ", () => {
    expect(healed(ROWS / 2)).toBeLessThan(ROWS * 150 + 20_000);
  });

  it("sends far more to a node that knows keys only, and comes to the same", () => {
    expect(healed(500, WITHOUT_LISTS)).toBeGreaterThan(2 * healed(500));
  });

  it.each([
    ["with lists of births", TABLES_FEATURES],
    ["with keys", WITHOUT_LISTS],
    ["with the first release", []],
  ])("takes over what was deleted, patched and written on either side, %s", (_, features) => {
    const { mesh, a, b } = apart(2000);
    const table = { a: a.open(SESSIONS), b: b.open(SESSIONS) };
    for (let at = 0; at < 50; at++) {
      a.write.delete(table.a, keyOf(at));
      b.write.delete(table.b, keyOf(1000 + at));
      a.write.patch(table.a, keyOf(1000 + at), encodeValue({ patched: at }));
      b.write.patch(table.b, keyOf(500 + at), encodeValue({ patched: at }));
      set(a, 1500 + at, "a again");
      set(b, 1525 + at, "b");
    }
    mesh.link(a, b, features);
    mesh.settle();
    expect(rowsOf(a)).toBe(rowsOf(b));
    for (const at of [0, 49, 1000, 1049]) expect(table.b.visible(keyOf(at))).toBeUndefined();
    for (const at of [50, 999, 1050]) expect(table.a.visible(keyOf(at))).toBeDefined();
    expect(table.a.visible(keyOf(520))?.read()).toEqual({ patched: 20 });
    expect(table.a.births).toBe(1900 + 25);
    expect(mesh.sum("lists") > 0).toBe(features === TABLES_FEATURES);
  });

  it("keeps what is written while it is under way", () => {
    const { mesh, a, b } = apart(5000);
    for (let at = 0; at < 20; at++) set(b, at, "b");
    mesh.link(a, b);
    for (let turn = 0, at = 0; mesh.turn(); turn++) {
      if (turn % 2 === 1 || at >= 40) continue;
      set(a, 100 + at, "late");
      b.write.delete(b.open(SESSIONS), keyOf(200 + at++));
    }
    expect(rowsOf(a)).toBe(rowsOf(b));
    expect(a.open(SESSIONS).visible(keyOf(100))?.read()).toMatchObject({ by: "late" });
    expect(a.open(SESSIONS).visible(keyOf(200))).toBeUndefined();
  });

  it("leaves its own rows to a node that learns at its end that it was closed meanwhile", () => {
    const online = { ...SESSIONS, lifetime: "node" } as const;
    const mesh = new Mesh({ opRingOps: 4 });
    const reasons: string[] = [];
    const a = mesh.start(1);
    const b = mesh.start(2, { events: { fenced: (reason) => reasons.push(reason) } });
    for (let at = 0; at < 500; at++) {
      b.write.set(b.open(online), keyOf(at), encodeValue({ by: "b" }));
    }
    mesh.tick();
    mesh.cut(1, 2);
    for (let at = 0; at < 2000; at++) set(a, at, "a");
    mesh.link(a, b);
    for (let turn = 0; a.counters.sessions === 0 && turn < 100; turn++) mesh.turn();
    expect([a.counters.sessions, reasons]).toEqual([1, []]);
    a.close(2);
    mesh.settle();
    expect(reasons).toEqual(["a peer has closed this incarnation"]);
    const seen = Array.from({ length: 500 }, (_, at) => b.open(online).visible(keyOf(at)));
    expect(seen.every((row) => row !== undefined)).toBe(true);
  });
});

describe("the number of buckets", () => {
  it("grows with the difference, and is least where nearly all differs", () => {
    expect(bucketsForBirths(100_000, 20)).toBe(512);
    expect(bucketsForBirths(100_000, 2000)).toBe(4096);
    expect(bucketsForBirths(100_000, 100_000)).toBe(16);
  });
});

describe("a list of births", () => {
  function frame(parts: readonly number[]): Uint8Array {
    const writer = new ByteWriter();
    writer.u8(FRAME_HELD);
    writer.varint(1);
    writer.varint(7);
    writer.varint(0);
    writer.varint(3);
    for (const part of parts) writer.varint(part);
    return writer.take();
  }

  it.each([
    ["names an origin beyond the dictionary", [1]],
    ["names a birth twice", [0, 2, 5, 0]],
    ["ends too early", [0, 3, 5, 1]],
    ["goes beyond the last seq", [0, 2, 2 ** 53 - 2, 9]],
  ])("is refused if it %s", (_, parts) => {
    const { replica } = new Mesh().start(1);
    expect(() => decodeHeld(frame(parts), replica)).toThrow(ProtocolError);
  });
});
