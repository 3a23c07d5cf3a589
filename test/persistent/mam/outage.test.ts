/** Message archives while their server is killed and comes back: what was taken is there, once. */
import { expect, test } from "vitest";
import { systemClock, systemRandom } from "../../../src/node/system.ts";
import { openMessageArchives } from "../../../src/persistent/mam/open-archives.ts";
import { silentLog } from "../../../src/runtime.ts";
import { openSqlDatabase } from "../../../src/sql/open.ts";
import { mariadb } from "../../servers/mariadb.ts";
import { postgres } from "../../servers/postgres.ts";
import { faultsOf, withServer } from "../../servers/server.ts";
import { makeStoreTables } from "../databases.ts";

const surroundings = { clock: systemClock, random: systemRandom, log: silentLog };

for (const kind of [postgres, mariadb]) {
  withServer(
    kind,
    `message archives on ${kind.name}`,
    (server) => {
      test("lose and double nothing when the server is killed in the middle", async () => {
        const database = await openSqlDatabase(
          { database: await server().newDatabase() },
          surroundings,
        );
        await makeStoreTables(database);
        const queue = { batchItems: 16, lingerMs: 1, retryMaxMs: 50 };
        const { users, stop } = openMessageArchives({ database, node: 1, queue, ...surroundings });
        const owners = ["ann", "bob", "carl"].map((name) => ({ server: "a.example", name }));
        const given = new Map(owners.map((owner) => [owner, [] as bigint[]]));
        const message = { with: "eve@e", from: "eve@e", direction: "in", packet: "<m/>" } as const;
        const add = async (count: number) => {
          for (let at = 0; at < count; at++) {
            for (const [owner, ids] of given) ids.push(await users.add(owner, message));
          }
        };
        await add(200);
        const killed = faultsOf(server()).kill();
        await add(200);
        await killed;
        await add(50);
        expect(users.status().items).toBeGreaterThan(0);
        await faultsOf(server()).start();
        await add(50);
        await users.sync();
        for (const [owner, ids] of given) {
          const found: bigint[] = [];
          for await (const { id } of users.iterate(owner)) found.push(id);
          expect(found).toEqual(ids);
        }
        expect(users.status()).toMatchObject({ items: 0, refused: 0, written: 1500 });
        await stop();
        await database.close();
      });
    },
    "faults",
  );
}
