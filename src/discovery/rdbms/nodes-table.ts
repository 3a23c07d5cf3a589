/** The statements on the tables of discovery. No decisions here: see claim.ts and backend.ts. */
import { sql } from "kysely";
import type { Registration } from "../discovery.ts";
import type { DatabaseTraits, Executor } from "./database.ts";
import type { TableNames } from "./migrations.ts";

/** More rows than any cluster has; a fenced node's row stays for a day. */
const ROWS_MAX = 10_000;

/** A row of the nodes' table. */
export interface NodeRow {
  readonly cluster: string;
  readonly name: string;
  /** Null once the row is fenced. */
  readonly nodeNumber: number | null;
  readonly address: string;
  readonly incarnation: number;
  readonly fenced: boolean;
  /** Time since the row was refreshed, by the database's clock. */
  readonly ageMs: number;
}

/** As the driver hands it over: 64-bit integers are strings with some. */
interface RawRow {
  readonly cluster_name: string;
  readonly node_name: string;
  readonly node_num: number | string | null;
  readonly address: string;
  readonly incarnation: number | string;
  readonly state: string;
  readonly age_ms: number | string;
}

/** Reads and writes rows through whatever executor it is given. */
export class NodesTable {
  readonly #names: TableNames;
  readonly #traits: DatabaseTraits;

  constructor(names: TableNames, traits: DatabaseTraits) {
    this.#names = names;
    this.#traits = traits;
  }

  /** All rows of the cluster, and those of other clusters that bear the name. */
  async read(
    executor: Executor,
    of: { readonly cluster: string; readonly name?: string },
  ): Promise<readonly NodeRow[]> {
    const orName = of.name === undefined ? sql`` : sql`or node_name = ${of.name}`;
    const { rows } = await sql<RawRow>`
      select cluster_name, node_name, node_num, address, incarnation, state,
        ${this.#traits.nowMs} - updated_timestamp as age_ms
      from ${this.#nodes()} where cluster_name = ${of.cluster} ${orName}
      order by cluster_name, node_name limit ${sql.lit(ROWS_MAX)}`.execute(executor);
    return rows.map((row) => ({
      cluster: row.cluster_name,
      name: row.node_name,
      nodeNumber: row.node_num === null ? null : Number(row.node_num),
      address: row.address,
      incarnation: Number(row.incarnation),
      fenced: row.state !== "up",
      ageMs: Number(row.age_ms),
    }));
  }

  /**
   * Takes the next origin of the cluster. Undefined if the cluster has no counter yet.
   * The counter's row stays locked until the end of the transaction, so that the claims of a
   * cluster follow one another.
   */
  async raiseCounter(executor: Executor, cluster: string): Promise<number | undefined> {
    const counter = sql.table(this.#names.counter);
    const returning = this.#traits.updateReturning ? sql`returning next_origin` : sql``;
    const update = await sql<{ next_origin: number | string }>`
      update ${counter} set next_origin = next_origin + 1
      where cluster_name = ${cluster} ${returning}`.execute(executor);
    let row = update.rows[0];
    if (!this.#traits.updateReturning) {
      const read = await sql<{ next_origin: number | string }>`
        select next_origin from ${counter} where cluster_name = ${cluster}`.execute(executor);
      row = read.rows[0];
    }
    return row === undefined ? undefined : Number(row.next_origin) - 1;
  }

  /**
   * Makes sure that the counter is above an origin that is in use, whatever backup the database
   * was restored from. Locks the counter's row as `raiseCounter` does. False if there is none.
   */
  async keepCounterAbove(
    executor: Executor,
    at: { readonly cluster: string; readonly origin: number },
  ): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${sql.table(this.#names.counter)} set next_origin =
        case when next_origin > ${at.origin} then next_origin else ${at.origin + 1} end
      where cluster_name = ${at.cluster}`.execute(executor);
    return numAffectedRows === 1n;
  }

  /** Starts the cluster's counter. Breaks the primary key if another was faster. */
  async startCounter(
    executor: Executor,
    at: { readonly cluster: string; readonly nextOrigin: number },
  ): Promise<void> {
    await sql`insert into ${sql.table(this.#names.counter)} (cluster_name, next_origin)
      values (${at.cluster}, ${at.nextOrigin})`.execute(executor);
  }

  /** Adds the own row. Breaks a key if the name or the number was taken meanwhile. */
  async insert(
    executor: Executor,
    own: Registration,
    as: { readonly origin: number; readonly nodeNumber: number },
  ): Promise<void> {
    await sql`insert into ${this.#nodes()} (cluster_name, node_name, node_num, address,
        updated_timestamp, incarnation, protocol_min, protocol_max, state)
      values (${own.cluster}, ${own.name}, ${as.nodeNumber}, ${own.address},
        ${this.#traits.nowMs}, ${as.origin}, ${own.protocolMin}, ${own.protocolMax}, 'up')`.execute(
      executor,
    );
  }

  /** Takes over the own name's row from the incarnation that was read. False if it has gone. */
  async takeOver(
    executor: Executor,
    own: Registration,
    as: { readonly origin: number; readonly nodeNumber: number; readonly from: number },
  ): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${this.#nodes()} set node_num = ${as.nodeNumber}, address = ${own.address},
        updated_timestamp = ${this.#traits.nowMs}, incarnation = ${as.origin},
        protocol_min = ${own.protocolMin}, protocol_max = ${own.protocolMax}, state = 'up'
      where cluster_name = ${own.cluster} and node_name = ${own.name}
        and incarnation = ${as.from}`.execute(executor);
    return numAffectedRows === 1n;
  }

  /** Says "I am here". False if the row is not there, is another incarnation's, or is fenced. */
  async refresh(executor: Executor, own: Registration, origin: number): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${this.#nodes()} set updated_timestamp = ${this.#traits.nowMs},
        address = ${own.address}
      where cluster_name = ${own.cluster} and node_name = ${own.name}
        and incarnation = ${origin} and state = 'up'`.execute(executor);
    return numAffectedRows === 1n;
  }

  /** Closes an incarnation and frees its number. False if it has no row that is up. */
  async fence(executor: Executor, cluster: string, origin: number): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${this.#nodes()} set state = 'fenced', node_num = null
      where cluster_name = ${cluster} and incarnation = ${origin} and state = 'up'`.execute(
      executor,
    );
    return numAffectedRows === 1n;
  }

  /** Deletes a row only if it is still of the incarnation that was read, and still so old. */
  async removeExpired(executor: Executor, row: NodeRow, olderThanMs: number): Promise<boolean> {
    const { numAffectedRows } = await sql`
      delete from ${this.#nodes()}
      where cluster_name = ${row.cluster} and node_name = ${row.name}
        and incarnation = ${row.incarnation}
        and updated_timestamp < ${this.#traits.nowMs} - ${sql.lit(olderThanMs)}`.execute(executor);
    return numAffectedRows === 1n;
  }

  /** Deletes a row of that incarnation, however new it is. */
  async remove(
    executor: Executor,
    row: { readonly cluster: string; readonly name: string; readonly incarnation: number },
  ): Promise<void> {
    await sql`delete from ${this.#nodes()}
      where cluster_name = ${row.cluster} and node_name = ${row.name}
        and incarnation = ${row.incarnation}`.execute(executor);
  }

  #nodes() {
    return sql.table(this.#names.nodes);
  }
}
