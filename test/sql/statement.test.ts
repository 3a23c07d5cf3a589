import { describe, expect, test } from "vitest";
import { poolFaults, poolWithDefaults } from "../../src/sql/pool-options.ts";
import { Statements } from "../../src/sql/statement.ts";

describe("placeholders", () => {
  const numbered = new Statements({ numbered: true });
  const plain = new Statements({ numbered: false });

  test.each([
    ["select ?, ?", "select $1, $2", 2],
    ["select '?', ?", "select '?', $1", 1],
    ["select 'it''s ?', ?", "select 'it''s ?', $1", 1],
    ['select "a?b", ?', 'select "a?b", $1', 1],
    ["select ? -- why?\n, ?", "select $1 -- why?\n, $2", 2],
    ["select /* ? */ ?", "select /* ? */ $1", 1],
    ["select $$ ? $$, $x$ ? $x$, ?", "select $$ ? $$, $x$ ? $x$, $1", 1],
    ["select a ?? 'b' and ?", "select a ? 'b' and $1", 1],
  ])("%s", (text, expected, count) => {
    expect(numbered.of(text)).toMatchObject({ text: expected, placeholders: count });
    expect(plain.of(text).placeholders).toBe(count);
  });

  test("a name is the same for the same text, and differs for another", () => {
    const again = new Statements({ numbered: true });
    expect(again.of("select ?").name).toBe(numbered.of("select ?").name);
    expect(again.of("select ? ").name).not.toBe(numbered.of("select ?").name);
    // PostgreSQL cuts names off behind 63 bytes.
    expect(again.of("select ?").name.length).toBeLessThan(64);
  });

  test("texts beyond the first thousand are read each time, and not prepared by name", () => {
    const many = new Statements({ numbered: true });
    for (let count = 0; count < 1000; count++) many.of(`select ${count}`);
    expect(many.of("select 1000")).toMatchObject({ text: "select 1000", name: "" });
    expect(many.of("select 999").name).not.toBe("");
  });

  test.each([
    ["select 1", true],
    ["  SELECT 1", true],
    ["with x as (select 1) select * from x", true],
    ["with x as (select 1) insert into t select * from x", false],
    ["insert into t values (1) returning n", false],
    ["update t set n = 1", false],
  ])("%s reads: %s", (text, isRead) => {
    expect(plain.of(text).isRead).toBe(isRead);
  });
});

describe("options of a pool", () => {
  test("a small maximum takes the least and the keepalive with it", () => {
    expect(poolFaults({ max: 1, idleInTransactionMs: 2_000 })).toEqual([]);
    const options = poolWithDefaults({ max: 1, idleInTransactionMs: 2_000 });
    expect(options).toMatchObject({ min: 1, keepaliveMs: 1_000 });
  });

  test("every fault is told", () => {
    const faults = poolFaults({ max: 0, acquireMs: 1.5, queueMax: -1, speed: 3 });
    expect(faults).toEqual([
      "pool.max: is 0, allowed is 1 to 1000",
      "pool.acquireMs: is 1.5, allowed is 1 to 600000",
      "pool.queueMax: is -1, allowed is 0 to 1000000",
      expect.stringContaining("pool.speed: is not known, allowed are max, min"),
    ]);
    expect(poolFaults({ min: 5, max: 3 })).toHaveLength(1);
    expect(poolFaults({ keepaliveMs: 5_000, idleInTransactionMs: 6_000 })).toHaveLength(1);
  });
});
