/** A prefix in a shared database belongs to one process at a time. */
import { beforeAll, describe, expect, it } from "vitest";
import { ConflictError, InvalidArgumentError, InvalidOptionsError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/node/system.ts";
import { MemoryAdapter } from "../../../src/persistent/adapters/memory/memory-adapter.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { EphemeralAdapter } from "../../../src/persistent/ephemeral/ephemeral-adapter.ts";
import { type Clock, silentLog } from "../../../src/runtime.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";

const budget = { timeoutMs: 10_000, signal: undefined };
const PLACE = { host: "example.com", store: "config", kind: "keyval" } as const;

/** The system's time, with a leap: as for a process that was stopped and goes on. */
class LeapingClock implements Clock {
  skippedMs = 0;

  wall = () => systemClock.wall();
  now = () => systemClock.now() + this.skippedMs;
  defer = (fn: () => void) => systemClock.defer(fn);
  after = (ms: number, fn: () => void) => systemClock.after(ms, fn);
}

onEachDatabase("a prefix", (database) => {
  beforeAll(async () => {
    await makeStoreTables(await database.open());
  });

  const plain = () => new SqlAdapter({ open: () => database.open(), clock: systemClock });
  const owner = (holder: string, prefix: string, clock: Clock = systemClock) =>
    new EphemeralAdapter({ adapter: plain(), prefix, holder, clock, log: silentLog });

  it("keeps its data apart, and a container that comes again finds them", async () => {
    const first = owner("one", "blue");
    await first.open(budget);
    const other = owner("two", "green");
    await other.open(budget);
    const rows = await first.openRows(PLACE, budget);
    await rows.write("ann", new Map([["", '"kept"']]), budget);
    const foreign = await other.openRows(PLACE, budget);
    expect(await foreign.read("ann", "", budget)).toBeUndefined();
    expect(await first.places(undefined, budget)).toEqual([PLACE]);
    expect(await first.places("example.com", budget)).toEqual([PLACE]);
    const long = first.openRows({ ...PLACE, host: "h".repeat(250) }, budget);
    await expect(long).rejects.toThrow(InvalidArgumentError);
    await expect(long).rejects.toThrow(/host has 250 bytes; under this prefix allowed are 240/);
    await first.close();
    await other.close();
    const again = owner("three", "blue");
    await again.open(budget);
    const found = await again.openRows(PLACE, budget);
    expect(await found.read("ann", "", budget)).toBe('"kept"');
    await again.close();
  });

  it("refuses a second live owner by name, and takes nothing after its lease has run out", async () => {
    const clock = new LeapingClock();
    const first = owner("the first", "red", clock);
    await first.open(budget);
    const rows = await first.openRows(PLACE, budget);
    const second = owner("the second", "red").open(budget);
    await expect(second).rejects.toThrow(ConflictError);
    await expect(second).rejects.toThrow(/the prefix "red" is held by the first/);
    clock.skippedMs = 16_000;
    await expect(rows.read("ann", "", budget)).rejects.toThrow(/was not renewed in time/);
    await first.close();
  });
});

describe("ephemeral stores", () => {
  const options = { holder: "one", clock: systemClock, log: silentLog };

  it("are refused on a back end that goes with its process", () => {
    const adapter = new MemoryAdapter();
    expect(() => new EphemeralAdapter({ ...options, adapter, prefix: "blue" })).toThrow(
      InvalidOptionsError,
    );
  });

  it("refuse a prefix that is none, and calls before they are open", async () => {
    const adapter = new SqlAdapter({
      open: () => Promise.reject(new Error("not asked")),
      clock: systemClock,
    });
    for (const prefix of ["", "ab", "Blue", "-blue", "a/b", "x".repeat(64)]) {
      expect(() => new EphemeralAdapter({ ...options, adapter, prefix })).toThrow(
        /allowed are 3 to 63/,
      );
    }
    const blue = new EphemeralAdapter({ ...options, adapter, prefix: "blue" });
    await expect(blue.purge("h", "ann", budget)).rejects.toThrow(/not open/);
  });
});
