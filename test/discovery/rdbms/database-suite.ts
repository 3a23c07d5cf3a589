/**
 * The rules of the table in a database, checked on a real one through two kinds of eyes: what
 * backends answer, and what the rows say.
 */
import { sql } from "kysely";
import { afterEach, describe, expect, test } from "vitest";
import type { Identity } from "../../../src/discovery/discovery.ts";
import type { RdbmsDiscovery } from "../../../src/discovery/rdbms/backend.ts";
import { claim, NODE_NUMBER_MAX } from "../../../src/discovery/rdbms/claim.ts";
import type { DatabaseDriver } from "../../../src/discovery/rdbms/database.ts";
import { tableNames } from "../../../src/discovery/rdbms/migrations.ts";
import { NodesTable } from "../../../src/discovery/rdbms/nodes-table.ts";
import { retrying, transact } from "../../../src/discovery/rdbms/transact.ts";
import { FencedError, OverloadedError, SkeinError } from "../../../src/errors.ts";
import { registration } from "../../conformance/discovery.ts";
import { realClock, realRandom } from "../clocks.ts";
import { Fixture, type MakeFixture } from "./fixture.ts";
import { leaseRules } from "./lease-rules.ts";
import { runRegistrations } from "./processes.ts";
import { tableRules } from "./table-rules.ts";

/** Where the suite gets databases from. */
export interface DatabaseMaker {
  /** The URL of a database without any table. */
  newDatabase(): Promise<string>;
  driver(url: string): DatabaseDriver;
  /** How many processes start at once. */
  readonly processCount: number;
}

/** All of it. Call it inside a `describe`. */
export function databaseSuite(maker: DatabaseMaker): void {
  const fixtures: Fixture[] = [];

  async function fixture(): Promise<Fixture> {
    const url = await maker.newDatabase();
    const made = new Fixture(maker.driver(url), url);
    fixtures.push(made);
    return made;
  }

  afterEach(async () => {
    for (const each of fixtures.splice(0)) await each.close();
  });

  describe("starting", () => startingRules(fixture, maker.processCount));
  describe("staying", () => stayingRules(fixture));
  describe("expiry", () => expiryRules(fixture));
  describe("clusters", () => clusterRules(fixture));
  describe("tables", () => tableRules(fixture));
  describe("the lease", () => leaseRules(fixture));
}

const HOUR_MS = 3_600_000;

function startingRules(fixture: MakeFixture, processCount: number): void {
  test("20 nodes that register at once get 20 origins and the numbers 1 to 20", async () => {
    const world = await fixture();
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    const identities = await Promise.all(
      names.map(async (name) => (await world.registered(registration("n", { name }))).identity),
    );
    const ascending = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(sorted(identities.map((identity) => identity.origin))).toEqual(ascending);
    expect(sorted(identities.map((identity) => identity.nodeNumber))).toEqual(ascending);
    const rows = await world.rows();
    expect(sorted(rows.map((row) => row.origin))).toEqual(ascending);
  });

  test(`${processCount} processes may create the tables and register at once`, async () => {
    const world = await fixture();
    const results = await runRegistrations(world.url, processCount);
    expect(results.filter((result) => "error" in result)).toEqual([]);
    const identities = results.flatMap((result) => ("identity" in result ? result.identity : []));
    expect(new Set(identities.map((identity) => identity.origin)).size).toBe(processCount);
    expect(sorted(identities.map((identity) => identity.nodeNumber))).toEqual(
      Array.from({ length: processCount }, (_, index) => index + 1),
    );
    expect(await world.rows()).toHaveLength(processCount);
  });

  test("of two that start at once at least one sees the other, in 20 tries", async () => {
    const world = await fixture();
    for (let round = 0; round < 20; round++) {
      const cluster = `round${round}`;
      const start = async (name: string) => {
        const { backend } = await world.registered(registration(name, { cluster }));
        return (await backend.getNodes()).length;
      };
      const seen = await Promise.all([start("a"), start("b")]);
      expect(Math.max(...seen)).toBe(2);
    }
  });

  test("a cluster that crashed whole restarts at once, with its numbers and new origins", async () => {
    const world = await fixture();
    const names = ["a", "b", "c", "d", "e"];
    const start = () =>
      Promise.all(names.map(async (name) => (await world.registered(registration(name))).identity));
    const before = await start();
    const after = await start();
    expect(after.map((identity) => identity.nodeNumber)).toEqual(
      before.map((identity) => identity.nodeNumber),
    );
    const newest = Math.max(...before.map((identity) => identity.origin));
    expect(Math.min(...after.map((identity) => identity.origin))).toBeGreaterThan(newest);
    expect(await world.rows()).toHaveLength(names.length);
  });

  test("an origin is never given twice, not even after all rows have gone", async () => {
    const world = await fixture();
    const origins: number[] = [];
    for (let start = 0; start < 5; start++) {
      const { backend, identity } = await world.registered(registration("a"));
      origins.push(identity.origin);
      await backend.leave();
    }
    expect(await world.rows()).toEqual([]);
    expect(origins).toEqual([1, 2, 3, 4, 5]);
  });

  test("the smallest number that is free is given away", async () => {
    const world = await fixture();
    const nodes = [];
    for (const name of ["a", "b", "c"]) nodes.push(await world.registered(registration(name)));
    await nodes[1]?.backend.leave();
    expect((await world.registered(registration("d"))).identity.nodeNumber).toBe(2);
    expect((await world.registered(registration("e"))).identity.nodeNumber).toBe(4);
  });

  test("a node that restarts keeps its number, though a smaller one is free", async () => {
    const world = await fixture();
    const first = await world.registered(registration("a"));
    const second = await world.registered(registration("b"));
    await first.backend.leave();
    const again = await world.registered(registration("b"));
    expect(again.identity).toEqual({ origin: 3, nodeNumber: second.identity.nodeNumber });
  });

  test(`the ${NODE_NUMBER_MAX + 1}th node is refused by name until a number is free`, async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("first"));
    await fillNumbers(world);
    const late = world.backend();
    const refused = late.register(registration("late"));
    await expect(refused).rejects.toBeInstanceOf(OverloadedError);
    await expect(refused).rejects.toThrow(`all ${NODE_NUMBER_MAX} node numbers of cluster chat`);
    await backend.leave();
    expect((await late.register(registration("late"))).nodeNumber).toBe(1);
  });

  test("names that no row can hold are refused before anything is written", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    for (const name of ["", " a", "a\n", "\u0000", "\ud800", "x".repeat(251)]) {
      const refused = world.backend().register(registration("b", { name }));
      await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT" });
    }
    const address = "ws://a b";
    const refused = world.backend().register(registration("b", { address }));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT" });
    expect(await backend.getNodes()).toHaveLength(1);
  });

  test("names differ by case, by accents and by their longest tails", async () => {
    const world = await fixture();
    const long = "ü".repeat(249);
    const names = ["node", "Node", "nodé", "日本", "👍", `${long}a`, `${long}b`, "a'\"`;--"];
    const numbers = [];
    for (const name of names) {
      numbers.push((await world.registered(registration("n", { name }))).identity.nodeNumber);
    }
    expect(numbers).toEqual(names.map((_, index) => index + 1));
    const { backend } = await world.registered(registration("last"));
    const found = (await backend.getNodes()).map((node) => node.name);
    expect(found).toEqual(expect.arrayContaining(names));
  });
}

function stayingRules(fixture: MakeFixture): void {
  test("a query refreshes the own row by the database's clock", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await world.age("a", HOUR_MS);
    await backend.getNodes();
    const table = new NodesTable(tableNames(""), world.driver.traits);
    const [row] = await table.read(await world.executor(), { cluster: "chat" });
    expect(row?.ageMs).toBeGreaterThanOrEqual(0);
    expect(row?.ageMs).toBeLessThan(30_000);
  });

  test("who bears a name last keeps it; the one before is told that it is fenced", async () => {
    const world = await fixture();
    const old = await world.registered(registration("a"));
    const young = await world.registered(registration("a", { address: "ws://10.9.9.9:1" }));
    const refused = old.backend.getNodes();
    await expect(refused).rejects.toBeInstanceOf(FencedError);
    await expect(refused).rejects.toThrow(
      `incarnation ${old.identity.origin} of a was replaced by ${young.identity.origin}`,
    );
    expect(await young.backend.getNodes()).toHaveLength(1);
    await old.backend.leave();
    expect((await world.rows()).map((row) => row.origin)).toEqual([young.identity.origin]);
  });

  test("a row that has gone is claimed again with the same origin and number", async () => {
    const world = await fixture();
    const first = await world.registered(registration("a"));
    const { backend, identity } = await world.registered(registration("b"));
    expect(identity).toEqual({ origin: 2, nodeNumber: 2 });
    await first.backend.leave();
    await world.remove("b");
    const nodes = await backend.getNodes();
    expect(nodes.map((node) => [node.origin, node.nodeNumber])).toEqual([[2, 2]]);
    expect(backend.identity).toEqual(identity);
  });

  test("a row that has gone gets another number if its own was given away", async () => {
    const world = await fixture();
    const { backend, identity } = await world.registered(registration("a"));
    await world.remove("a");
    expect((await world.registered(registration("b"))).identity.nodeNumber).toBe(1);
    await backend.getNodes();
    expect(backend.identity).toEqual({ origin: identity.origin, nodeNumber: 2 });
  });

  test("after the tables were emptied no origin that is in use is given again", async () => {
    const world = await fixture();
    const nodes = [];
    for (const name of ["a", "b", "c"]) nodes.push(await world.registered(registration(name)));
    const executor = await world.executor();
    await sql`delete from discovery_nodes`.execute(executor);
    await sql`delete from discovery_counter`.execute(executor);
    await Promise.all(nodes.map((node) => node.backend.getNodes()));
    expect((await world.registered(registration("d"))).identity).toEqual({
      origin: 4,
      nodeNumber: 4,
    });
    expect(sorted((await world.rows()).map((row) => row.origin))).toEqual([1, 2, 3, 4]);
  });

  test("after all tables were dropped the next query but one has made them again", async () => {
    const world = await fixture();
    await world.registered(registration("a"));
    const { backend, identity } = await world.registered(registration("b"));
    const executor = await world.executor();
    for (const name of Object.values(tableNames(""))) {
      await sql`drop table ${sql.table(name)}`.execute(executor);
    }
    await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    expect((await backend.getNodes()).map((node) => node.origin)).toEqual([identity.origin]);
    expect((await world.registered(registration("c"))).identity.origin).toBe(identity.origin + 1);
  });

  test("a fenced incarnation cannot refresh its row, nor come back but as a new one", async () => {
    const world = await fixture();
    const judge = await world.registered(registration("a"));
    const hung = await world.registered(registration("b"));
    expect(await judge.backend.fence(hung.identity.origin)).toBe(true);
    expect(await judge.backend.fence(hung.identity.origin)).toBe(false);
    expect(await judge.backend.fence(99)).toBe(false);
    expect((await judge.backend.getNodes()).map((node) => node.name)).toEqual(["a"]);
    await expect(hung.backend.getNodes()).rejects.toThrow("is fenced in the database");
    expect((await world.registered(registration("c"))).identity.nodeNumber).toBe(2);
    const reborn = await hung.backend.register(registration("b"));
    expect(reborn.origin).toBeGreaterThan(hung.identity.origin);
    expect(await hung.backend.getNodes()).toHaveLength(3);
  });

  test("after leaving a backend answers no more, and its row stays away", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await Promise.all([backend.getNodes(), backend.leave()]);
    await expect(backend.getNodes()).rejects.toMatchObject({ code: "ERR_SKEIN_NOT_RUNNING" });
    expect(await world.rows()).toEqual([]);
  });

  test("closing leaves the row where it is", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await backend.close();
    expect(await world.rows()).toHaveLength(1);
  });

  test("a backend that has not registered says so", async () => {
    const world = await fixture();
    await expect(world.backend().getNodes()).rejects.toMatchObject({
      code: "ERR_SKEIN_NOT_RUNNING",
    });
  });
}

function expiryRules(fixture: MakeFixture): void {
  test("a row that looks stale is marked, and not removed", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await world.registered(registration("b"));
    await world.age("b", 420_000 + 1000);
    const stale = (await backend.getNodes()).map((node) => [node.name, node.stale === true]);
    expect(stale).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });

  test("a row that has expired is removed by any query of another node", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await world.registered(registration("b"));
    await world.age("b", 600_000 + 1000);
    expect((await backend.getNodes()).map((node) => node.name)).toEqual(["a"]);
    expect((await world.rows()).map((row) => row.name)).toEqual(["a"]);
  });

  test("the own row is not removed by its own read, though the clock jumps in between", async () => {
    const world = await fixture();
    let hours = 500_000;
    const leaping = Object.create(world.driver.traits, {
      // Each statement finds the database's clock an hour further on.
      nowMs: { get: () => sql.lit(hours++ * HOUR_MS) },
    });
    const driver = Object.create(world.driver, { traits: { value: leaping } });
    driver.open = () => world.driver.open();
    const { backend, identity } = await world.registered(registration("a"), {}, driver);
    for (let round = 0; round < 2; round++) {
      const [own] = await backend.getNodes();
      expect(own).toMatchObject({ name: "a", origin: identity.origin });
      expect(own?.stale).toBeUndefined();
      expect(await world.rows()).toHaveLength(1);
    }
  });

  test("a starter takes the number of an expired row, in the same step", async () => {
    const world = await fixture();
    await world.registered(registration("a"));
    await world.age("a", HOUR_MS);
    expect((await world.registered(registration("b"))).identity).toEqual({
      origin: 2,
      nodeNumber: 1,
    });
    expect((await world.rows()).map((row) => row.name)).toEqual(["b"]);
  });

  test("a row read as expired is not deleted once its node has refreshed or replaced it", async () => {
    const world = await fixture();
    const first = await world.registered(registration("a"));
    await world.age("a", HOUR_MS);
    const table = new NodesTable(tableNames(""), world.driver.traits);
    const executor = await world.executor();
    const [seen] = await table.read(executor, { cluster: "chat" });
    if (seen === undefined) throw new Error("the row must be there");
    expect(seen.ageMs).toBeGreaterThanOrEqual(HOUR_MS);

    await first.backend.getNodes();
    expect(await table.removeExpired(executor, seen, 600_000)).toBe(false);
    await world.registered(registration("a"));
    await world.age("a", HOUR_MS);
    expect(await table.removeExpired(executor, seen, 600_000)).toBe(false);
    expect(await world.rows()).toHaveLength(1);
    const [now] = await table.read(executor, { cluster: "chat" });
    if (now === undefined) throw new Error("the row must be there");
    expect(await table.removeExpired(executor, now, 600_000)).toBe(true);
  });

  test("expiry, refresh and restart at once never lose a live row", async () => {
    const world = await fixture();
    const options = { staleAfterMs: 1, expireAfterMs: 2 };
    const names = ["a", "b", "c", "d"];
    const nodes: { backend: RdbmsDiscovery; identity: Identity }[] = [];
    for (const name of names) nodes.push(await world.registered(registration(name), options));
    for (let round = 0; round < 5; round++) {
      // Everybody finds everybody else expired, and removes what others are refreshing.
      await Promise.all(nodes.map((node) => node.backend.getNodes()));
    }
    const rows = await world.rows();
    expect(new Set(rows.map((row) => row.number)).size).toBe(rows.length);
    await Promise.all(nodes.map((node) => node.backend.getNodes().catch(failUnlessTyped)));
    for (const node of nodes) {
      await node.backend.getNodes();
      const found = (await world.rows()).find((row) => row.origin === node.identity.origin);
      expect(found?.number).toBe(node.backend.identity?.nodeNumber);
    }
  });

  test("a claim whose row changes hands between read and write starts again", async () => {
    const world = await fixture();
    const { identity } = await world.registered(registration("a"));
    const { traits } = world.driver;
    const executor = await world.executor();
    const table = new NodesTable(tableNames(""), traits);
    let attempts = 0;
    const claimed = await retrying({ clock: realClock, random: realRandom }, traits, () =>
      transact(executor, traits, async (connection) => {
        attempts++;
        const result = await claim(connection, {
          table: attempts === 1 ? withVanishingRow(table) : table,
          registration: registration("a"),
          isExpired: () => false,
          expireAfterMs: 600_000,
        });
        return result;
      }),
    );
    expect(attempts).toBe(2);
    // The first attempt was rolled back, its origin with it.
    expect(claimed).toEqual({ origin: identity.origin + 1, nodeNumber: identity.nodeNumber });
    expect(await world.rows()).toHaveLength(1);
  });
}

function clusterRules(fixture: MakeFixture): void {
  test("clusters in one table have names, numbers and origins of their own", async () => {
    const world = await fixture();
    const chat = await world.registered(registration("a"));
    const game = await world.registered(
      registration("a", { cluster: "game", address: "ws://10.0.0.2:1" }),
    );
    expect([chat.identity, game.identity]).toEqual([
      { origin: 1, nodeNumber: 1 },
      { origin: 1, nodeNumber: 1 },
    ]);
    expect(await chat.backend.getNodes()).toHaveLength(1);
    expect(await game.backend.getNodes()).toHaveLength(1);
    expect(await world.rows()).toHaveLength(2);
  });

  test("a node that moves to another cluster leaves no row behind", async () => {
    const world = await fixture();
    await world.registered(registration("a"));
    await world.registered(registration("a", { cluster: "game" }));
    expect((await world.rows()).map((row) => row.cluster)).toEqual(["game"]);
  });

  test("expired rows of other clusters are left to them", async () => {
    const world = await fixture();
    await world.registered(registration("b", { cluster: "game" }));
    await world.age("b", HOUR_MS);
    const { backend } = await world.registered(registration("a"));
    await backend.getNodes();
    expect(await world.rows()).toHaveLength(2);
  });
}

/** A table whose rows are deleted by somebody else just before they are written. */
function withVanishingRow(table: NodesTable): NodesTable {
  const vanishing: NodesTable = Object.create(table);
  vanishing.read = (executor, of) => table.read(executor, of);
  vanishing.raiseCounter = (executor, cluster) => table.raiseCounter(executor, cluster);
  vanishing.takeOver = async (executor, own, as) => {
    await table.remove(executor, { ...own, incarnation: as.from });
    return table.takeOver(executor, own, as);
  };
  return vanishing;
}

async function fillNumbers(world: Fixture): Promise<void> {
  const numbers = Array.from({ length: NODE_NUMBER_MAX - 1 }, (_, index) => index + 2);
  const rows = numbers.map(
    (number) =>
      sql`('chat', ${`filler${number}`}, ${sql.lit(number)}, 'ws://f', ${world.driver.traits.nowMs},
        ${sql.lit(1000 + number)}, 1, 1, 'up')`,
  );
  await sql`insert into discovery_nodes values ${sql.join(rows)}`.execute(await world.executor());
}

function failUnlessTyped(error: unknown): void {
  if (!(error instanceof SkeinError)) throw error;
}

function sorted(numbers: readonly number[]): number[] {
  return [...numbers].sort((a, b) => a - b);
}
