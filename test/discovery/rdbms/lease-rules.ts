/** The lease in the database: one holder at a time, by the database's time, in rising terms. */
import { sql } from "kysely";
import { expect, test } from "vitest";
import { registration } from "../../conformance/discovery.ts";
import type { Fixture, MakeFixture } from "./fixture.ts";

const LEASE_MS = 60_000;
const OPTIONS = { leaseMs: LEASE_MS };

/** As if that much time had gone by for the lease. */
async function age(world: Fixture, ms: number): Promise<void> {
  await sql`update discovery_lease set expires_timestamp = expires_timestamp - ${sql.lit(ms)}`.execute(
    await world.executor(),
  );
}

export function leaseRules(fixture: MakeFixture): void {
  test("the first that asks has it, renews it in its term, and the others are told who", async () => {
    const world = await fixture();
    const a = await world.registered(registration("a"), OPTIONS);
    const b = await world.registered(registration("b"), OPTIONS);
    const holder = { name: "a", origin: a.identity.origin };
    expect(a.backend.leaseMs).toBe(LEASE_MS);
    expect(await a.backend.holdLease()).toEqual({ term: 1, holder, isOwn: true, leftMs: LEASE_MS });
    await age(world, 50_000);
    const told = await b.backend.holdLease();
    expect(told).toMatchObject({ term: 1, holder, isOwn: false });
    expect(told.leftMs).toBeGreaterThan(0);
    expect(told.leftMs).toBeLessThanOrEqual(10_000);
    const renewed = await a.backend.holdLease();
    expect(renewed).toMatchObject({ term: 1, holder, isOwn: true });
    expect(renewed.leftMs).toBeGreaterThan(50_000);
  });

  test("another one takes it when it has lapsed, in the next term, and not before", async () => {
    const world = await fixture();
    const a = await world.registered(registration("a"), OPTIONS);
    const b = await world.registered(registration("b"), OPTIONS);
    await a.backend.holdLease();
    await age(world, LEASE_MS - 30_000);
    expect(await b.backend.holdLease()).toMatchObject({ isOwn: false, term: 1 });
    await age(world, 30_000);
    const holder = { name: "b", origin: b.identity.origin };
    expect(await b.backend.holdLease()).toMatchObject({ isOwn: true, term: 2, holder });
    expect(await a.backend.holdLease()).toMatchObject({ isOwn: false, term: 2, holder });
  });

  test("one that has lapsed and that nobody took goes on in the same term", async () => {
    const world = await fixture();
    const a = await world.registered(registration("a"), OPTIONS);
    await a.backend.holdLease();
    await age(world, 2 * LEASE_MS);
    expect(await a.backend.holdLease()).toMatchObject({ isOwn: true, term: 1 });
  });

  test("a new incarnation of the holder's name does not have it", async () => {
    const world = await fixture();
    const before = await world.registered(registration("a"), OPTIONS);
    await before.backend.holdLease();
    const after = await world.registered(registration("a"), OPTIONS);
    const holder = { name: "a", origin: before.identity.origin };
    expect(await after.backend.holdLease()).toMatchObject({ isOwn: false, term: 1, holder });
  });

  test("whoever leaves gives its own lease back, and nobody else's", async () => {
    const world = await fixture();
    const a = await world.registered(registration("a"), OPTIONS);
    const b = await world.registered(registration("b"), OPTIONS);
    const c = await world.registered(registration("c"), OPTIONS);
    await a.backend.holdLease();
    await b.backend.leave();
    expect(await c.backend.holdLease()).toMatchObject({ isOwn: false, term: 1 });
    await a.backend.leave();
    expect(await c.backend.holdLease()).toMatchObject({ isOwn: true, term: 2 });
  });

  test("of twelve that ask at once, for the first one and for a lapsed one, one has it", async () => {
    const world = await fixture();
    const names = Array.from({ length: 12 }, (_, at) => `n${at}`);
    const nodes = await Promise.all(
      names.map((name) => world.registered(registration("n", { name }), OPTIONS)),
    );
    for (const term of [1, 2]) {
      const askers = term === 1 ? nodes : nodes.slice(6);
      if (term === 2) await age(world, LEASE_MS);
      const answers = await Promise.all(askers.map(({ backend }) => backend.holdLease()));
      const winners = answers.filter(({ isOwn }) => isOwn);
      expect(winners.length).toBe(1);
      expect(new Set(answers.map((one) => one.holder.origin)).size).toBe(1);
      // The holder of the first term may have been among those that asked again.
      expect(winners[0]?.term).toBeLessThanOrEqual(term);
    }
  });

  test("each cluster of the table has its own", async () => {
    const world = await fixture();
    const chat = await world.registered(registration("a"), OPTIONS);
    const game = await world.registered(
      registration("a", { cluster: "game", address: "ws://10.0.0.2:1" }),
      OPTIONS,
    );
    expect(await chat.backend.holdLease()).toMatchObject({ isOwn: true, term: 1 });
    expect(await game.backend.holdLease()).toMatchObject({ isOwn: true, term: 1 });
  });

  test("tables made by the version before it get the table of leases", async () => {
    const world = await fixture();
    await world.registered(registration("a"), OPTIONS);
    const executor = await world.executor();
    await sql`drop table discovery_lease`.execute(executor);
    await sql`delete from skein_discovery_migration where name = '0002_lease'`.execute(executor);
    const b = await world.registered(registration("b"), OPTIONS);
    expect(await b.backend.holdLease()).toMatchObject({ isOwn: true, term: 1 });
  });
}
