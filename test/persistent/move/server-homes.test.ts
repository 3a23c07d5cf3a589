/** Whether the rows of a server are where they were, asked of a database that comes and goes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConflictError, OverloadedError, UnavailableError } from "../../../src/errors.ts";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { SqlAdapter } from "../../../src/persistent/adapters/sql/sql-adapter.ts";
import { MovedAwayError } from "../../../src/persistent/contract/tenure.ts";
import { ServerHomes } from "../../../src/persistent/move/server-homes.ts";
import { StoreHomes } from "../../../src/persistent/move/store-homes.ts";
import { silentLog } from "../../../src/runtime.ts";
import type { SqlDatabase } from "../../../src/sql/database.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { makeStoreTables } from "../databases.ts";
import { StoppableClock } from "../stoppable-clock.ts";
import { Statements } from "./dying-database.ts";

const folder = mkdtempSync(join(tmpdir(), "skein-server-homes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
let database: SqlDatabase;
let close: () => Promise<void>;

/** What one process knows of rosters on the connection "main". */
async function homes() {
  const clock = new StoppableClock();
  const statements = new Statements();
  const open = async () => statements.of(database);
  const adapter = new SqlAdapter({ open, release: async () => {}, clock });
  await adapter.open();
  const home = { connection: "main", adapter };
  const stores = new StoreHomes({
    ...{ connections: [home], holder: "here", mayMove: true, clock, log: silentLog },
  });
  close = () => stores.close();
  const servers = new ServerHomes({
    homes: stores,
    home,
    store: "roster",
    kind: "roster",
    chosenFor: () => "main",
    budget: { timeoutMs: 1_000, signal: undefined },
    serversMax: 2,
  });
  return { clock, statements, servers };
}

const mark = (state: string) =>
  database.execute("update skein_item set value = ? where value like '%\"state\"%'", [
    JSON.stringify({ state, peer: "another" }),
  ]);

beforeEach(async () => {
  const url = `sqlite:${join(folder, `${files++}.db`)}`;
  const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };
  database = await openSqlDatabase({ database: url }, surroundings);
  await makeStoreTables(database);
});
afterEach(async () => {
  await close();
  await database.close();
});

describe("the homes of servers", () => {
  it("are asked of the database once, as long as the lease is renewed", async () => {
    const { servers, statements, clock } = await homes();
    expect(() => servers.assertHeld("a.example")).toThrow(UnavailableError);
    await Promise.all([servers.hold("a.example"), servers.begin("a.example")]);
    statements.left = 0;
    for (let times = 0; times < 3; times++) {
      expect(servers.begin("a.example")).toBeUndefined();
      expect(servers.hold("a.example")).toBeUndefined();
      servers.assertHeld("a.example");
    }
    // Five seconds before its end a lease is not enough any more.
    clock.goOn(11_000);
    expect(() => servers.assertHeld("a.example")).toThrow(/was not renewed in time/);
    await expect(servers.hold("a.example")).rejects.toThrow(UnavailableError);
  });

  it("let messages be queued while the database is away, and nothing be written", async () => {
    const { servers, statements, clock } = await homes();
    await servers.hold("a.example");
    statements.left = 0;
    clock.goOn(20_000);
    for (let times = 0; times < 3; times++) {
      const asked = servers.hold("a.example");
      await expect(asked).rejects.toThrow(/could not be asked/);
      await expect(asked).rejects.not.toThrow(ConflictError);
      expect(servers.begin("a.example")).toBeUndefined();
    }
    statements.left = Number.POSITIVE_INFINITY;
    await servers.hold("a.example");
    servers.assertHeld("a.example");
  });

  it("are left once they have moved away, and found again when they are back", async () => {
    const { servers, clock } = await homes();
    await servers.hold("a.example");
    await mark("moved");
    // Nobody could have moved them.
    expect(servers.hold("a.example")).toBeUndefined();
    clock.goOn(20_000);
    await expect(servers.hold("a.example")).rejects.toThrow(MovedAwayError);
    await expect(servers.begin("a.example")).rejects.toThrow(MovedAwayError);
    expect(() => servers.assertHeld("a.example")).toThrow(UnavailableError);
    expect(await database.query("select * from skein_lease")).toEqual([]);
    await mark("home");
    await servers.begin("a.example");
    servers.assertHeld("a.example");
  });

  it("are of a limited number of servers", async () => {
    const { servers } = await homes();
    await servers.hold("a.example");
    await servers.hold("b.example");
    await expect(servers.hold("c.example")).rejects.toThrow(OverloadedError);
    expect(servers.hold("a.example")).toBeUndefined();
  });
});
