/** What leases promise: one holder at a time, by the back end's clock. */
import { expect, it } from "vitest";
import type { Leases } from "../../../src/persistent/contract/leases.ts";

const budget = { timeoutMs: 10_000, signal: undefined };
const LONG_MS = 60_000;

/** Registers the tests; `leases` gives those of process 0, 1 or 2. */
export function leasesSuite(leases: (process: number) => Leases): void {
  it("have one holder, who can renew and give back", async () => {
    expect(await leases(0).take("a", "one", LONG_MS, budget)).toMatchObject({ holder: "one" });
    const other = await leases(1).take("a", "two", LONG_MS, budget);
    expect(other.holder).toBe("one");
    expect(other.leftMs).toBeGreaterThan(LONG_MS / 2);
    expect(await leases(0).take("a", "one", LONG_MS, budget)).toMatchObject({ holder: "one" });
    await leases(1).release("a", "two", budget);
    expect(await leases(1).take("a", "two", LONG_MS, budget)).toMatchObject({ holder: "one" });
    await leases(0).release("a", "one", budget);
    expect(await leases(1).take("a", "two", LONG_MS, budget)).toMatchObject({ holder: "two" });
  });

  it("run out", async () => {
    await leases(0).take("short", "one", 1, budget);
    await expect
      .poll(async () => (await leases(1).take("short", "two", LONG_MS, budget)).holder)
      .toBe("two");
    expect(await leases(0).take("short", "one", LONG_MS, budget)).toMatchObject({ holder: "two" });
  });

  it("go to one of many that want them at once", async () => {
    for (let round = 0; round < 10; round++) {
      const wanted = [0, 1, 2, 0, 1, 2].map((process, index) =>
        leases(process).take(`race ${round}`, `holder ${index}`, LONG_MS, budget),
      );
      const holders = new Set((await Promise.all(wanted)).map(({ holder }) => holder));
      holders.delete("another process");
      expect(holders.size).toBe(1);
    }
  });

  it("are listed by what their names begin with, byte by byte", async () => {
    for (const name of ["use [x] a", "use [x] b", "use [X] c", "use [x", "use [xy] d"]) {
      await leases(0).take(name, name, LONG_MS, budget);
    }
    await leases(0).take("use [x] late", "late", 1, budget);
    const names = async () => (await leases(1).list("use [x] ", budget)).map(({ name }) => name);
    await expect.poll(names).toEqual(["use [x] a", "use [x] b"]);
  });
}
