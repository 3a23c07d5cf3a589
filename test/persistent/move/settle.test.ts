/** A store is where the configuration says, and moves when that changes; a kill loses nothing. */
import { describe, expect, test } from "vitest";
import { ConflictError } from "../../../src/errors.ts";
import { systemClock } from "../../../src/node/system.ts";
import { MemoryAdapter } from "../../../src/persistent/adapters/memory/memory-adapter.ts";
import type { StoreAdapter } from "../../../src/persistent/contract/driver.ts";
import { type Settled, settleStore } from "../../../src/persistent/move/settle.ts";
import { silentLog } from "../../../src/runtime.ts";
import { Killed, Life } from "./dying-adapter.ts";
import { fill, inventory, PLACES } from "./inventory.ts";

interface World {
  readonly files: MemoryAdapter;
  readonly sql: MemoryAdapter;
}

/** Two back ends whose data outlive processes, the first one filled. */
async function world(): Promise<World> {
  const files = new MemoryAdapter();
  await fill(files, 2);
  return { files, sql: new MemoryAdapter() };
}

type Wanted = Partial<Record<"isPersistent" | "mayMove", boolean>> & {
  readonly others?: readonly string[];
};

/** A process starts that wants all stores on one of them; `life` may end it early. */
async function start(
  { files, sql }: World,
  wanted: "files" | "sql",
  life = new Life(Number.POSITIVE_INFINITY),
  { isPersistent = true, mayMove = true, others = ["files", "sql"] }: Wanted = {},
): Promise<Settled[]> {
  const backEnds: Readonly<Record<string, StoreAdapter>> = { files, sql };
  const named = (connection: string) => {
    const backEnd = backEnds[connection];
    if (!backEnd) throw new Error(connection);
    const forgets = connection === wanted && !isPersistent;
    return { connection, adapter: life.of(backEnd, !forgets) };
  };
  const settled: Settled[] = [];
  for (const place of PLACES) {
    const options = {
      place,
      home: named(wanted),
      others: others.filter((name) => name !== wanted).map(named),
      holder: "node1",
      mayMove,
      clock: systemClock,
      log: silentLog,
      budget: { timeoutMs: 5_000, signal: undefined },
    };
    settled.push(await settleStore(options));
  }
  return settled;
}

describe("a store", () => {
  test("stays where it is as long as the configuration says so", async () => {
    const at = await world();
    const before = await inventory(at.files);
    for (let times = 0; times < 2; times++) {
      const settled = await start(at, "files");
      expect(settled.map(({ kind }) => kind)).toEqual(["at home", "at home", "at home"]);
    }
    expect(await inventory(at.files)).toEqual(before);
    expect(await inventory(at.sql)).toEqual({});
  });

  test("moves to another back end, and back, and leaves nothing behind", async () => {
    const at = await world();
    const before = await inventory(at.files);
    const there = await start(at, "sql");
    expect(there.map(({ kind, from }) => [kind, from])).toEqual(
      PLACES.map(() => ["moved", "files"]),
    );
    expect(await inventory(at.sql)).toEqual(before);
    expect(await inventory(at.files)).toEqual({});
    expect((await start(at, "sql")).map(({ kind }) => kind)).toEqual(PLACES.map(() => "at home"));
    await start(at, "files");
    expect(await inventory(at.files)).toEqual(before);
    expect(await inventory(at.sql)).toEqual({});
  });

  test("loses nothing and doubles nothing when the move is killed at any point", async () => {
    let kills = 0;
    for (let calls = 1; ; calls++) {
      const at = await world();
      const before = await inventory(at.files);
      const life = new Life(calls);
      const error = await start(at, "sql", life).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) break;
      expect(error).toBeInstanceOf(Killed);
      kills++;
      await start(at, "sql");
      expect(await inventory(at.sql), `killed after ${calls} calls`).toEqual(before);
      expect(await inventory(at.files), `killed after ${calls} calls`).toEqual({});
    }
    expect(kills).toBeGreaterThan(100);
  });

  test("comes home whole if after a kill the old configuration is back", async () => {
    for (let calls = 1; ; calls++) {
      const at = await world();
      const before = await inventory(at.files);
      const life = new Life(calls);
      const isWhole = await start(at, "sql", life).then(
        () => true,
        () => false,
      );
      if (isWhole) break;
      await start(at, "files");
      expect(await inventory(at.files), `killed after ${calls} calls`).toEqual(before);
      // And forward once more, past what the first attempt has left.
      await start(at, "sql");
      expect(await inventory(at.sql), `killed after ${calls} calls`).toEqual(before);
    }
  });

  test("is not opened empty where it has moved away from", async () => {
    const at = await world();
    await start(at, "sql");
    const old = start(at, "files", undefined, { others: ["files"] });
    await expect(old).rejects.toThrow(ConflictError);
    await expect(old).rejects.toThrow(/has moved away from connection "files"/);
  });

  test("is not moved when moving is not allowed", async () => {
    const at = await world();
    const before = await inventory(at.files);
    const refusal = start(at, "sql", undefined, { mayMove: false });
    await expect(refusal).rejects.toThrow(/is at home on connection "files"/);
    expect(await inventory(at.files)).toEqual(before);
  });

  test("that has data in two places is nobody's guess", async () => {
    const at = await world();
    await fill(at.sql, 3);
    await expect(start(at, "sql")).rejects.toThrow(/has data on "sql" and on "files"/);
    await expect(start(at, "files")).rejects.toThrow(/has data on "files" and on "sql"/);
  });

  test("is loaded into a back end that forgets, and stays at home where it was", async () => {
    const at = await world();
    const before = await inventory(at.files);
    const settled = await start(at, "sql", undefined, { isPersistent: false });
    expect(settled.map(({ kind }) => kind)).toEqual(PLACES.map(() => "loaded"));
    expect(await inventory(at.sql)).toEqual(before);
    expect(await inventory(at.files)).toEqual(before);
    const later = { files: at.files, sql: new MemoryAdapter() };
    await start(later, "files");
    expect(await inventory(at.files)).toEqual(before);
  });
});
