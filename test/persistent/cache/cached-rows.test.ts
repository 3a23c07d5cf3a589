/** Read caches: never older than a write that was acknowledged, as far as others can be told. */
import { describe, expect, it } from "vitest";
import { AbortedError, InvalidOptionsError, UnavailableError } from "../../../src/errors.ts";
import { MemoryRows } from "../../../src/persistent/adapters/memory/memory-rows.ts";
import { CachedRows, type CacheOptions } from "../../../src/persistent/cache/cached-rows.ts";
import type { CacheCoherence, Invalidation } from "../../../src/persistent/cache/coherence.ts";
import type { Budget, Place } from "../../../src/persistent.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

const BUDGET: Budget = { timeoutMs: 1000, signal: undefined };
const PLACE: Place = { host: "example", store: "rows", kind: "map" };
const one = (key: string, value: string | undefined) => new Map([[key, value]]);

/** Rows that count, and that answer when they are told to. */
class SlowRows extends MemoryRows {
  reads = 0;
  gate: Promise<void> | undefined;
  fault: Error | undefined;

  override async read(user: string, key: string): Promise<string | undefined> {
    this.reads++;
    const found = await super.read(user, key);
    await this.gate;
    if (this.fault !== undefined) throw this.fault;
    return found;
  }

  override async readUser(user: string): Promise<ReadonlyMap<string, string>> {
    this.reads++;
    return super.readUser(user);
  }
}

/** Processes that reach one another, until they are told not to. */
class Wire {
  isCut = false;
  readonly #listeners = new Set<(change: Invalidation | undefined) => void>();

  forOne(): CacheCoherence {
    let own: ((change: Invalidation | undefined) => void) | undefined;
    return {
      invalidate: async (change) => {
        for (const listener of this.#listeners) {
          if (listener === own || !this.isCut) listener(change);
        }
      },
      listen: (forget) => {
        own = forget;
        this.#listeners.add(forget);
        return () => this.#listeners.delete(forget);
      },
    };
  }

  heal(): void {
    this.isCut = false;
    for (const listener of this.#listeners) listener(undefined);
  }
}

function setup(options: CacheOptions = {}) {
  const rows = new SlowRows();
  const clock = new VirtualClock();
  const wire = new Wire();
  const make = () => new CachedRows(rows, PLACE, options, { clock, coherence: wire.forOne() });
  return { rows, clock, wire, a: make(), b: make() };
}

function gate() {
  let open = () => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open: () => open() };
}

describe("what was read", () => {
  it("is kept, also that there is nothing, and the whole answers for each key", async () => {
    const { rows, a } = setup();
    await rows.write("user", one("k", "1"));
    for (let turn = 0; turn < 3; turn++) {
      expect(await a.read("user", "k", BUDGET)).toBe("1");
      expect(await a.read("user", "other", BUDGET)).toBe(undefined);
      expect(await a.read("nobody", "k", BUDGET)).toBe(undefined);
    }
    expect(rows.reads).toBe(3);
    expect([...(await a.readUser("user", BUDGET))]).toEqual([["k", "1"]]);
    expect(await a.read("user", "third", BUDGET)).toBe(undefined);
    await a.readUser("user", BUDGET);
    expect(rows.reads).toBe(4);
    expect(a.counts).toMatchObject({ hits: 8, misses: 4, users: 2 });
  });

  it("is asked for once by all who want it at a time", async () => {
    const { rows, a } = setup();
    const { promise, open } = gate();
    rows.gate = promise;
    const reads = Array.from({ length: 10 }, () => a.read("user", "k", BUDGET));
    open();
    await Promise.all(reads);
    expect(rows.reads).toBe(1);
  });

  it("is waited for by each of them as long as it wants itself", async () => {
    const { rows, clock, a } = setup();
    const { promise, open } = gate();
    rows.gate = promise;
    await rows.write("user", one("k", "1"));
    const leaves = new AbortController();
    const first = a.read("user", "k", { timeoutMs: 1000, signal: leaves.signal });
    const hasty = a.read("user", "k", { timeoutMs: 10, signal: undefined });
    const patient = a.read("user", "k", { timeoutMs: 5000, signal: undefined });
    leaves.abort();
    await expect(first).rejects.toThrow(AbortedError);
    clock.advance(10);
    await expect(hasty).rejects.toThrow(UnavailableError);
    clock.advance(2000);
    open();
    expect(await patient).toBe("1");
    expect(rows.reads).toBe(1);
  });

  it("that failed is not kept", async () => {
    const { rows, a } = setup();
    rows.fault = new UnavailableError("away");
    await expect(a.read("user", "k", BUDGET)).rejects.toThrow(UnavailableError);
    rows.fault = undefined;
    expect(await a.read("user", "k", BUDGET)).toBe(undefined);
    expect(rows.reads).toBe(2);
  });

  it("goes when there is too much of it", async () => {
    const { rows, a } = setup({ usersMax: 2, bytesMax: 2000 });
    for (const user of ["a", "b", "c"]) await a.read(user, "k", BUDGET);
    expect(a.counts.users).toBe(2);
    await rows.write("large", one("k", "x".repeat(2000)));
    await a.read("large", "k", BUDGET);
    await a.read("large", "k", BUDGET);
    expect(rows.reads).toBe(5);
    expect(a.counts.bytes).toBeLessThanOrEqual(2000);
  });

  it("goes when it is too old", async () => {
    const { rows, clock, a } = setup({ ttlMs: 1000 });
    await a.read("user", "k", BUDGET);
    await rows.write("user", one("k", "by another program"));
    clock.advance(999);
    expect(await a.read("user", "k", BUDGET)).toBe(undefined);
    clock.advance(1);
    expect(await a.read("user", "k", BUDGET)).toBe("by another program");
  });
});

describe("after a write is acknowledged", () => {
  it("this process and the others read what was written", async () => {
    const { a, b } = setup();
    for (const write of [
      () => a.write("user", one("k", "1"), BUDGET),
      () => b.write("user", one("k", "2"), BUDGET),
      () => a.replaceUser("user", new Map([["k", "3"]]), BUDGET),
      () => b.deleteKey("k", BUDGET),
    ]) {
      await write();
      const found = await a.read("user", "k", BUDGET);
      expect(await b.read("user", "k", BUDGET)).toBe(found);
      expect([...(await a.readUser("user", BUDGET))]).toEqual(
        found === undefined ? [] : [["k", found]],
      );
    }
    expect(await a.read("user", "k", BUDGET)).toBe(undefined);
  });

  it("a read that was under way before it is answered, and not kept", async () => {
    const { rows, a, b } = setup();
    await rows.write("user", one("k", "old"));
    const { promise, open } = gate();
    rows.gate = promise;
    const [own, other] = [a.read("user", "k", BUDGET), b.read("user", "k", BUDGET)];
    const write = a.write("user", one("k", "new"), BUDGET);
    rows.gate = undefined;
    await write;
    const late = b.read("user", "k", BUDGET);
    open();
    expect([await own, await other, await late]).toEqual(["old", "old", "new"]);
    expect(await a.read("user", "k", BUDGET)).toBe("new");
    expect(await b.read("user", "k", BUDGET)).toBe("new");
  });

  it("that failed, which may have been made, nobody answers from memory", async () => {
    const { rows, a, b } = setup();
    await a.read("user", "k", BUDGET);
    await b.read("user", "k", BUDGET);
    const write = rows.write.bind(rows);
    rows.write = async (user, changes) => {
      await write(user, changes);
      throw new UnavailableError("lost");
    };
    await expect(a.write("user", one("k", "made"), BUDGET)).rejects.toThrow("lost");
    expect(await a.read("user", "k", BUDGET)).toBe("made");
    expect(await b.read("user", "k", BUDGET)).toBe("made");
  });

  it("others that cannot be told see the old value until it is too old, or they are linked again", async () => {
    const { clock, wire, a, b } = setup({ ttlMs: 1000 });
    await b.read("user", "k", BUDGET);
    wire.isCut = true;
    await a.write("user", one("k", "1"), BUDGET);
    expect(await b.read("user", "k", BUDGET)).toBe(undefined);
    clock.advance(1000);
    expect(await b.read("user", "k", BUDGET)).toBe("1");
    await a.write("user", one("k", "2"), BUDGET);
    expect(await b.read("user", "k", BUDGET)).toBe("1");
    wire.heal();
    expect(await b.read("user", "k", BUDGET)).toBe("2");
  });

  it("of other stores and users nothing is forgotten", async () => {
    const { rows, a, b } = setup();
    const other = new CachedRows(
      rows,
      { ...PLACE, store: "other" },
      {},
      {
        clock: new VirtualClock(),
        coherence: { invalidate: async () => {}, listen: () => () => {} },
      },
    );
    await b.read("user", "k", BUDGET);
    await a.write("somebody", one("k", "1"), BUDGET);
    await other.write("user", one("k", "1"), BUDGET);
    await b.read("user", "k", BUDGET);
    expect(rows.reads).toBe(1);
  });
});

it("options that are wrong are refused, all at once", () => {
  expect(() => setup({ ttlMs: 0, bytesMax: 0.5 })).toThrow(InvalidOptionsError);
  expect(() => setup({ ttlMs: 0, bytesMax: 0.5 })).toThrow(/ttlMs is 0.*bytesMax is 0\.5/);
  expect(() => setup(Object.assign({}, { colour: 1 }) as CacheOptions)).toThrow(
    /unknown option "colour"/,
  );
});
