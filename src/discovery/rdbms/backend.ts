/**
 * Discovery through a table in an SQL database that all nodes share.
 *
 * A starter writes its row and commits, then reads: of two that start at once, the one that
 * commits last sees the other. Every later read refreshes the own row first. Time is the
 * database's alone. Rows are changed by compare-and-set on the incarnation, so that nobody
 * removes or refreshes what has become another node's.
 *
 * States: closed (no connection) and open; each call opens, and an error does not close, for
 * the driver replaces lost connections itself. After `leave` or `close` calls are refused.
 */
import { InvalidArgumentError, InvalidOptionsError, NotRunningError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import { databaseError } from "../../sql/faults.ts";
import { addressFault } from "../address.ts";
import type { DiscoveredNode, DiscoveryBackend, Identity, Registration } from "../discovery.ts";
import type { LeaseAnswer } from "../lease.ts";
import { claim } from "./claim.ts";
import type { DatabaseDriver, Executor, OpenDatabase } from "./database.ts";
import { LeaseTable } from "./lease-table.ts";
import { migrate } from "./migrate.ts";
import { discoveryMigrations, NAME_LENGTH_MAX, type TableNames, tableNames } from "./migrations.ts";
import { type NodeRow, NodesTable } from "./nodes-table.ts";
import { TABLE_DEFAULTS, type TableOptions, tableFaults } from "./table-options.ts";
import { perform, retrying, transact } from "./transact.ts";

/** A fenced row tells its node that it is closed, for as long as one may be away. */
const FENCED_KEPT_MS = 24 * 60 * 60 * 1000;

export interface RdbmsDiscoveryOptions {
  readonly driver: DatabaseDriver;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tableOptions?: TableOptions;
}

/** See the head of this file. */
export class RdbmsDiscovery implements DiscoveryBackend {
  readonly kind: string;
  readonly #options: RdbmsDiscoveryOptions;
  readonly #driver: DatabaseDriver;
  readonly #tableOptions: Required<TableOptions>;
  readonly #names: TableNames;
  readonly #table: NodesTable;
  readonly #leases: LeaseTable;
  #database: OpenDatabase | undefined;
  #registration: Registration | undefined;
  #identity: Identity | undefined;
  #closed = false;
  /** Calls wait for one another: a claim that times out must not overtake its repetition. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RdbmsDiscoveryOptions) {
    this.#options = options;
    this.#driver = options.driver;
    this.kind = options.driver.dialect;
    this.#tableOptions = { ...TABLE_DEFAULTS, ...options.tableOptions };
    const faults = tableFaults(this.#tableOptions);
    if (faults.length > 0) throw new InvalidOptionsError("discovery", faults);
    this.#names = tableNames(this.#tableOptions.prefix);
    this.#table = new NodesTable(this.#names, options.driver.traits);
    this.#leases = new LeaseTable(this.#names, options.driver.traits);
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  async register(registration: Registration): Promise<Identity> {
    checkRegistration(registration);
    return this.#exclusively(async () => {
      const { executor } = await this.#open();
      const identity = await this.#claim(executor, registration);
      this.#registration = registration;
      this.#identity = identity;
      return identity;
    });
  }

  async getNodes(): Promise<readonly DiscoveredNode[]> {
    return this.#exclusively(async () => {
      const registration = this.#registered();
      const { executor } = await this.#open();
      await this.#refresh(executor, registration);
      const rows = await this.#perform(executor, (connection) =>
        this.#table.read(connection, { cluster: registration.cluster }),
      );
      const nodes: DiscoveredNode[] = [];
      for (const row of rows) {
        const own = row.incarnation === this.#identity?.origin && row.name === registration.name;
        if (!own && this.#isExpired(row)) await this.#expire(executor, row);
        else if (!row.fenced) nodes.push(this.#discovered(row, own));
      }
      return nodes;
    });
  }

  async fence(origin: number): Promise<boolean> {
    return this.#exclusively(async () => {
      const { cluster } = this.#registered();
      const { executor } = await this.#open();
      return this.#perform(executor, (connection) =>
        this.#table.fence(connection, cluster, origin),
      );
    });
  }

  get leaseMs(): number {
    return this.#tableOptions.leaseMs;
  }

  async holdLease(): Promise<LeaseAnswer> {
    return this.#exclusively(async () => {
      const { cluster, name } = this.#registered();
      const origin = this.#identity?.origin ?? 0;
      const { executor } = await this.#open();
      const request = { cluster, name, origin, leaseMs: this.leaseMs };
      return this.#retrying(() =>
        transact(executor, this.#driver.traits, (connection) =>
          this.#leases.hold(connection, request),
        ),
      );
    });
  }

  async leave(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#exclusively(async () => {
        const registration = this.#registration;
        const identity = this.#identity;
        if (registration === undefined || identity === undefined) return;
        const { cluster, name } = registration;
        const { executor } = await this.#open();
        await this.#perform(executor, (connection) =>
          this.#leases.release(connection, { cluster, origin: identity.origin }),
        );
        await this.#perform(executor, (connection) =>
          this.#table.remove(connection, { cluster, name, incarnation: identity.origin }),
        );
      });
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const running = this.#last;
    this.#last = running.then(() => this.#closeDatabase());
    await this.#last;
  }

  async #closeDatabase(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close().catch((error: unknown) => {
      this.#options.log.debug({ error: String(error) }, "discovery database did not close well");
    });
  }

  /** Runs after what was called before, whether that failed or not. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      if (this.#closed) throw new NotRunningError("this discovery backend was closed");
      try {
        return await work();
      } catch (error) {
        // The database was emptied, or restored from before this table: it is migrated again.
        if (this.#driver.traits.isMissingTable(error)) await this.#closeDatabase();
        throw databaseError(this.#driver, error);
      }
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  #registered(): Registration {
    if (this.#registration !== undefined) return this.#registration;
    throw new NotRunningError("call register before getNodes: it says which cluster this is");
  }

  async #open(): Promise<OpenDatabase> {
    this.#database ??= await this.#retrying(async () => {
      const database = await this.#driver.open();
      try {
        const { executor } = database;
        const { traits } = this.#driver;
        const migrations = discoveryMigrations(this.#names, traits);
        await migrate({ executor, traits, names: this.#names, migrations });
        return database;
      } catch (error) {
        await database.close().catch(() => undefined);
        throw error;
      }
    });
    return this.#database;
  }

  /** The row says that this node is here; if the row has gone, the node claims it again. */
  async #refresh(executor: Executor, registration: Registration): Promise<void> {
    const identity = this.#identity;
    if (identity === undefined) throw new NotRunningError("not registered");
    const { origin } = identity;
    const hit = await this.#perform(executor, (connection) =>
      this.#table.refresh(connection, registration, origin),
    );
    if (hit) return;
    const again = await this.#claim(executor, registration, identity);
    this.#identity = again;
    this.#options.log.warn(
      { origin, numberBefore: identity.nodeNumber, number: again.nodeNumber },
      "the row of this node had gone from the discovery table and was claimed again",
    );
  }

  async #claim(executor: Executor, registration: Registration, held?: Identity) {
    const { expireAfterMs } = this.#tableOptions;
    return this.#retrying(() =>
      transact(executor, this.#driver.traits, (connection) =>
        claim(connection, {
          table: this.#table,
          registration,
          isExpired: (row) => this.#isExpired(row),
          expireAfterMs,
          ...(held === undefined ? {} : { held }),
        }),
      ),
    );
  }

  async #expire(executor: Executor, row: NodeRow): Promise<void> {
    const { expireAfterMs } = this.#tableOptions;
    const removed = await this.#perform(executor, (connection) =>
      this.#table.removeExpired(connection, row, expireAfterMs),
    );
    if (!removed) return;
    this.#options.log.info(
      { node: row.name, origin: row.incarnation, address: row.address, ageMs: row.ageMs },
      "removed a node from the discovery table that had not refreshed its row",
    );
  }

  #isExpired(row: NodeRow): boolean {
    return row.ageMs > (row.fenced ? FENCED_KEPT_MS : this.#tableOptions.expireAfterMs);
  }

  #discovered(row: NodeRow, own: boolean): DiscoveredNode {
    return {
      address: row.address,
      name: row.name,
      origin: row.incarnation,
      ...(row.nodeNumber === null ? {} : { nodeNumber: row.nodeNumber }),
      ...(!own && row.ageMs > this.#tableOptions.staleAfterMs ? { stale: true } : {}),
    };
  }

  #perform<T>(executor: Executor, work: (connection: Executor) => Promise<T>): Promise<T> {
    return this.#retrying(() => perform(executor, this.#driver.traits, work));
  }

  #retrying<T>(work: () => Promise<T>): Promise<T> {
    return retrying(this.#options, this.#driver.traits, work);
  }
}

function checkRegistration(registration: Registration): void {
  for (const key of ["cluster", "name"] as const) {
    const text: unknown = registration[key];
    const good =
      typeof text === "string" &&
      text.length > 0 &&
      text.length <= NAME_LENGTH_MAX &&
      text.trim() === text &&
      !/[\p{Cc}\p{Cs}]/u.test(text);
    if (!good) {
      throw new InvalidArgumentError(
        `${key}: is ${JSON.stringify(text)?.slice(0, 300)}, allowed is a string of 1 to ` +
          `${NAME_LENGTH_MAX} characters without control characters or white space at its ends`,
      );
    }
  }
  const fault = addressFault(registration.address);
  if (fault !== undefined) throw new InvalidArgumentError(`address: ${fault}`);
  const { protocolMin, protocolMax } = registration;
  const inRange = (version: number) => Number.isInteger(version) && version >= 0;
  if (!inRange(protocolMin) || !inRange(protocolMax) || protocolMin > protocolMax) {
    throw new InvalidArgumentError(
      `protocolMin and protocolMax: are ${protocolMin} and ${protocolMax}, ` +
        "allowed are integers from 0, the first not above the second",
    );
  }
}
