/** Messages that a database refuses for a reason of its own, while it takes others. */
import { expect, test } from "vitest";
import { InvalidOptionsError, UnavailableError } from "../../../src/errors.ts";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { openMessageArchives } from "../../../src/persistent/mam/open-archives.ts";
import { type Log, silentLog } from "../../../src/runtime.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { makeStoreTables, onEachDatabase } from "../databases.ts";

const ANN = { server: "a.example", name: "ann" };
const BOB = { server: "a.example", name: "bob" };
const MESSAGE = { with: "eve@e", from: "eve@e", direction: "in", packet: "<m/>" } as const;
const ODD = { ...MESSAGE, originId: "odd", packet: "<odd/>", text: "Odd" };

/** A rule of somebody who runs the database, and how to take it away. */
async function refuseOdd(database: SqlDatabase): Promise<() => Promise<unknown>> {
  if (database.dialect === "sqlite") {
    await database.execute(
      `create trigger odd before insert on skein_mam_message when new.origin_id = 'odd'
       begin select raise(abort, 'no odd ones'); end`,
    );
    return () => database.execute("drop trigger odd");
  }
  const rule = "check (origin_id <> 'odd')";
  await database.execute(`alter table skein_mam_message add constraint odd ${rule}`);
  return () => database.execute("alter table skein_mam_message drop constraint odd");
}

onEachDatabase("messages that are refused without a known reason", (place) => {
  test("are set aside, told, kept, and written when they are tried again", async () => {
    const database = await place.open();
    await makeStoreTables(database);
    const allow = await refuseOdd(database);
    const lines: object[] = [];
    const log: Log = { ...silentLog, error: (fields, text) => lines.push({ ...fields, text }) };
    const told: bigint[] = [];
    const queue = { lingerMs: 1, retryMaxMs: 5, strikesMax: 3 };
    const { users, stop } = openMessageArchives({
      ...{ database, node: 1, queue, clock: systemClock, random: systemRandom, log },
      onSetAside: (_owner, id) => told.push(id),
    });
    const waiting = users.add(ANN, ODD, { isWritten: true }).catch((error: unknown) => error);
    const id = await users.add(ANN, ODD);
    const until = performance.now() + 10_000;
    while (users.status().setAside < 2) {
      if (performance.now() > until) throw new Error("they were not set aside");
      await users.add(BOB, MESSAGE, { isWritten: true });
    }
    expect(await waiting).toBeInstanceOf(UnavailableError);
    expect(told).toContain(id);
    expect(lines).toContainEqual(expect.objectContaining({ archive: "a.example/ann", id }));
    await expect(users.sync()).rejects.toThrow(UnavailableError);
    await expect(users.sync(ANN)).rejects.toThrow(/2 messages were set aside, .*: [0-9A-V]+, /);
    await users.sync(BOB);
    // Look-ups go on.
    expect(await users.size(ANN)).toBe(0);
    const shown = users.setAside(ANN).find(({ message }) => message.id === id);
    expect(shown?.message).toMatchObject({ originId: "odd", packet: "<odd/>", with: "eve@e", id });
    expect(users.setAside(BOB)).toEqual([]);
    await allow();
    // What was removed is not tried again.
    expect(await users.retrySetAside(BOB)).toBe(0);
    expect(await users.retrySetAside()).toBe(2);
    await users.sync();
    expect(await users.size(ANN)).toBe(2);
    expect((await users.find(ANN, { text: "odd" })).total).toBe(2);
    expect(users.status()).toMatchObject({ setAside: 0, refused: 0, items: 0 });
    await stop();
  });
});

onEachDatabase("messages that were set aside", (place) => {
  test("go with their archive, and not with others", async () => {
    const database = await place.open();
    await makeStoreTables(database);
    await refuseOdd(database);
    const queue = { lingerMs: 1, retryMaxMs: 5, strikesMax: 1 };
    const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
    const { users, stop } = openMessageArchives({ database, node: 1, queue, ...surroundings });
    for (const remove of [() => users.remove(ANN), () => users.removeDomain("a.example")]) {
      await users.add(ANN, ODD);
      await expect
        .poll(async () => {
          await users.add(BOB, MESSAGE, { isWritten: true });
          return users.status().setAside;
        })
        .toBe(1);
      await users.remove(BOB);
      await users.removeDomain("b.example");
      expect(users.status().setAside).toBe(1);
      await remove();
      expect(users.status().setAside).toBe(0);
    }
    await stop();
  });
});

test("limits that cannot be are refused", () => {
  const queue = { strikesMax: 0, setAsideItems: 1.5 };
  const open = () => openMessageArchives({ node: 1, queue } as never);
  expect(open).toThrow(InvalidOptionsError);
  expect(open).toThrow(/queue.strikesMax is 0, allowed are .* queue.setAsideItems is 1.5/);
});
