import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RdbmsDiscovery } from "../../../src/discovery/rdbms/backend.ts";
import { silentLog } from "../../../src/runtime.ts";
import { registration } from "../../conformance/discovery.ts";
import { realClock, realRandom } from "../clocks.ts";
import { databaseSuite } from "./database-suite.ts";
import { driverOf } from "./driver-of.ts";

const folder = mkdtempSync(join(tmpdir(), "skein-sqlite-"));
let count = 0;
const newFile = () => join(folder, `${count++}.db`);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("SQLite", () => {
  databaseSuite({
    processCount: 10,
    newDatabase: async () => `sqlite:${newFile()}`,
    driver: driverOf,
  });

  function backendAt(path: string): RdbmsDiscovery {
    const environment = { clock: realClock, random: realRandom, log: silentLog };
    return new RdbmsDiscovery({ driver: driverOf(`sqlite:${path}`), ...environment });
  }

  test("a file whose lock another holds is waited for without stopping the event loop", async () => {
    const { default: Database } = await import("libsql");
    const path = newFile();
    const backend = backendAt(path);
    await backend.register(registration("a"));
    const holder = new Database(path);
    holder.exec("begin immediate");
    const turns: string[] = [];
    const waiting = backend.getNodes().then(() => turns.push("answer"));
    await new Promise((resolve) => setImmediate(resolve));
    turns.push("turn");
    holder.exec("commit");
    holder.close();
    await waiting;
    await backend.close();
    expect(turns).toEqual(["turn", "answer"]);
  });

  test("a backend that met a busy file reads what was written since, and can write", async () => {
    const { default: Database } = await import("libsql");
    const path = newFile();
    const hurried = { ...realClock, now: () => realClock.now() * 100 };
    const driver = driverOf(`sqlite:${path}`);
    const environment = { clock: hurried, random: realRandom, log: silentLog };
    const backend = new RdbmsDiscovery({ driver, ...environment });
    await backend.register(registration("a"));
    const holder = new Database(path);
    holder.exec("begin immediate");
    await expect(backend.getNodes()).rejects.toThrow("database is locked");
    holder.exec("update discovery_nodes set address = 'ws://changed:1', node_num = 7");
    holder.exec("insert into discovery_counter values ('other', 1)");
    holder.exec("commit");
    const nodes = await backend.getNodes();
    expect(nodes.map((node) => node.nodeNumber)).toEqual([7]);
    holder.exec("update discovery_nodes set node_num = 8");
    holder.close();
    expect((await backend.getNodes()).map((node) => node.nodeNumber)).toEqual([8]);
    await backend.close();
  });

  test("a folder that is not there is an error that names it", async () => {
    const backend = backendAt("/nonexistent/folder/a.db");
    const refused = backend.register(registration("a"));
    await expect(refused).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await expect(refused).rejects.toThrow("/nonexistent/folder/a.db");
    await backend.close();
  });
});
