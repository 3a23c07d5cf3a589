/** The rules of making the tables: prefixes, strangers' tables, other versions, half a migration. */
import { sql } from "kysely";
import { expect, test } from "vitest";
import { registration } from "../../conformance/discovery.ts";
import type { MakeFixture } from "./fixture.ts";

export function tableRules(fixture: MakeFixture): void {
  test("a prefix goes before all tables, so that two sets of them share a database", async () => {
    const world = await fixture();
    const plain = await world.registered(registration("a"));
    const mine = await world.registered(registration("b"), { prefix: "mine_" });
    expect(mine.identity).toEqual({ origin: 1, nodeNumber: 1 });
    expect(await plain.backend.getNodes()).toHaveLength(1);
    const { rows } = await sql`select 1 as found from mine_skein_discovery_migration`.execute(
      await world.executor(),
    );
    expect(rows).toHaveLength(2);
  });

  test("a table of that name made by somebody else is refused by name, and left alone", async () => {
    const world = await fixture();
    const executor = await world.executor();
    await sql`create table discovery_nodes (cluster_name varchar(20), node_name varchar(20))`.execute(
      executor,
    );
    await sql`insert into discovery_nodes values ('theirs', 'x')`.execute(executor);
    const refused = world.backend().register(registration("a"));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNSUPPORTED" });
    await expect(refused).rejects.toThrow("choose another tableOptions.prefix");
    const { rows } = await sql`select node_name from discovery_nodes`.execute(executor);
    expect(rows).toEqual([{ node_name: "x" }]);
    expect((await world.registered(registration("a"), { prefix: "ours_" })).identity).toEqual({
      origin: 1,
      nodeNumber: 1,
    });
  });

  test("a node starts on tables that a newer version has migrated already", async () => {
    const world = await fixture();
    await world.registered(registration("a"));
    const executor = await world.executor();
    await sql`insert into skein_discovery_migration (name, timestamp)
      values ('9999_later', '2099-01-01T00:00:00.000Z')`.execute(executor);
    expect((await world.registered(registration("b"))).identity.nodeNumber).toBe(2);
  });

  test("a process killed half-way through the migration harms no later one", async () => {
    const world = await fixture();
    const { backend } = await world.registered(registration("a"));
    await backend.leave();
    // As if the first table had been made, and neither the second nor the note of it.
    const executor = await world.executor();
    await sql`drop table discovery_counter`.execute(executor);
    await sql`delete from skein_discovery_migration`.execute(executor);
    expect((await world.registered(registration("a"))).identity.nodeNumber).toBe(1);
  });
}
