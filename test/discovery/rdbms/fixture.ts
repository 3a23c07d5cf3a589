/** A database of a test's own, with backends on it and an eye that sees the rows as they are. */
import { type Kysely, sql } from "kysely";
import type { Registration } from "../../../src/discovery/discovery.ts";
import { RdbmsDiscovery } from "../../../src/discovery/rdbms/backend.ts";
import type { DatabaseDriver, OpenDatabase } from "../../../src/discovery/rdbms/database.ts";
import type { TableOptions } from "../../../src/discovery/rdbms/table-options.ts";
import { silentLog } from "../../../src/runtime.ts";
import { realClock, realRandom } from "../clocks.ts";

/** Close it after the test. */
export class Fixture {
  readonly driver: DatabaseDriver;
  readonly url: string;
  readonly #backends: RdbmsDiscovery[] = [];
  #open: OpenDatabase | undefined;

  constructor(driver: DatabaseDriver, url: string) {
    this.driver = driver;
    this.url = url;
  }

  backend(tableOptions: TableOptions = {}, driver = this.driver): RdbmsDiscovery {
    const backend = new RdbmsDiscovery({
      driver,
      clock: realClock,
      random: realRandom,
      log: silentLog,
      tableOptions,
    });
    this.#backends.push(backend);
    return backend;
  }

  async registered(node: Registration, tableOptions: TableOptions = {}, driver = this.driver) {
    const backend = this.backend(tableOptions, driver);
    return { backend, identity: await backend.register(node) };
  }

  async executor(): Promise<Kysely<unknown>> {
    this.#open ??= await this.driver.open();
    return this.#open.executor;
  }

  /** The rows as they are, ordered by cluster and name. */
  async rows(): Promise<{ cluster: string; name: string; number: number; origin: number }[]> {
    const { rows } = await sql<Record<string, unknown>>`
      select cluster_name, node_name, node_num, incarnation from discovery_nodes
      order by cluster_name, node_name`.execute(await this.executor());
    return rows.map((row) => ({
      cluster: String(row.cluster_name),
      name: String(row.node_name),
      number: Number(row.node_num),
      origin: Number(row.incarnation),
    }));
  }

  /** Makes a row look older, as if its node had been away. */
  async age(name: string, ms: number): Promise<void> {
    await sql`update discovery_nodes set updated_timestamp = updated_timestamp - ${sql.lit(ms)}
      where node_name = ${name}`.execute(await this.executor());
  }

  async remove(name: string): Promise<void> {
    await sql`delete from discovery_nodes where node_name = ${name}`.execute(await this.executor());
  }

  async close(): Promise<void> {
    await Promise.all(this.#backends.map((backend) => backend.close()));
    await this.#open?.close();
  }
}

/** Makes one whose database is empty. */
export type MakeFixture = () => Promise<Fixture>;
