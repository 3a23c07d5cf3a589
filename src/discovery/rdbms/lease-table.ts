/** The statements on the table of leases. They run in one transaction: see `holdLease`. */
import { sql } from "kysely";
import type { LeaseAnswer } from "../lease.ts";
import type { DatabaseTraits, Executor } from "./database.ts";
import type { TableNames } from "./migrations.ts";

/** Who asks, and for how long. */
export interface LeaseRequest {
  readonly cluster: string;
  readonly name: string;
  readonly origin: number;
  readonly leaseMs: number;
}

interface RawLease {
  readonly holder_name: string;
  readonly holder_origin: number | string;
  readonly term: number | string;
  readonly left_ms: number | string;
}

/** The one lease of each cluster so far: whose side may write. */
const SIDE = "side";

/** Reads and writes rows through whatever executor it is given. */
export class LeaseTable {
  readonly #names: TableNames;
  readonly #traits: DatabaseTraits;

  constructor(names: TableNames, traits: DatabaseTraits) {
    this.#names = names;
    this.#traits = traits;
  }

  /**
   * Renews the asker's lease, takes one that has lapsed, or makes the first one; else tells whose
   * it is. Must run inside a transaction, and be repeated if that fails for a race: the row's lock
   * keeps what is read the same as what was written.
   */
  async hold(executor: Executor, request: LeaseRequest): Promise<LeaseAnswer> {
    const changed = (await this.#renew(executor, request)) || (await this.#take(executor, request));
    const read = await this.#read(executor, request);
    if (read !== undefined) return { ...read, isOwn: changed };
    await this.#insert(executor, request);
    const { name, origin, leaseMs } = request;
    return { term: 1, holder: { name, origin }, isOwn: true, leftMs: leaseMs };
  }

  /** Ends the lease of that incarnation at once, if it holds one. */
  async release(
    executor: Executor,
    of: { readonly cluster: string; readonly origin: number },
  ): Promise<void> {
    await sql`update ${this.#table()} set expires_timestamp = ${this.#traits.nowMs}
      where cluster_name = ${of.cluster} and lease_name = ${SIDE}
        and holder_origin = ${of.origin} and expires_timestamp > ${this.#traits.nowMs}`.execute(
      executor,
    );
  }

  /** Also one that has lapsed: as long as nobody has taken it, it is the same term. */
  async #renew(executor: Executor, request: LeaseRequest): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${this.#table()} set expires_timestamp = ${this.#end(request)}
      where cluster_name = ${request.cluster} and lease_name = ${SIDE}
        and holder_origin = ${request.origin}`.execute(executor);
    return numAffectedRows === 1n;
  }

  async #take(executor: Executor, request: LeaseRequest): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update ${this.#table()} set holder_name = ${request.name}, holder_origin = ${request.origin},
        term = term + 1, expires_timestamp = ${this.#end(request)}
      where cluster_name = ${request.cluster} and lease_name = ${SIDE}
        and expires_timestamp <= ${this.#traits.nowMs}`.execute(executor);
    return numAffectedRows === 1n;
  }

  /** Breaks the primary key if another was faster. */
  async #insert(executor: Executor, request: LeaseRequest): Promise<void> {
    await sql`insert into ${this.#table()} (cluster_name, lease_name, holder_name, holder_origin,
        term, expires_timestamp)
      values (${request.cluster}, ${SIDE}, ${request.name}, ${request.origin}, 1,
        ${this.#end(request)})`.execute(executor);
  }

  async #read(executor: Executor, { cluster }: LeaseRequest) {
    const { rows } = await sql<RawLease>`
      select holder_name, holder_origin, term, expires_timestamp - ${this.#traits.nowMs} as left_ms
      from ${this.#table()} where cluster_name = ${cluster} and lease_name = ${SIDE}`.execute(
      executor,
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    return {
      term: Number(row.term),
      holder: { name: row.holder_name, origin: Number(row.holder_origin) },
      leftMs: Math.max(0, Number(row.left_ms)),
    };
  }

  #end({ leaseMs }: LeaseRequest) {
    return sql`${this.#traits.nowMs} + ${sql.lit(leaseMs)}`;
  }

  #table() {
    return sql.table(this.#names.lease);
  }
}
