/**
 * Keeps other processes from migrating the same tables. Nobody waits inside of the database: a
 * session that waits for a lock has a snapshot, and CREATE INDEX CONCURRENTLY waits for all of
 * those. It is tried, and tried again after a pause.
 *
 * `advisory` and `named` locks belong to a session, which ends with its process. Where a pooler
 * lends sessions out by the transaction, and on CockroachDB, a row with a time in it must do; it is
 * renewed while the work goes on, and checked inside of each transaction that migrates.
 */
import { createHash } from "node:crypto";
import { UnavailableError } from "../../errors.ts";
import type { Clock, Random } from "../../runtime.ts";
import type { HeldConnection, SqlDatabase, SqlSession } from "../database.ts";
import type { MigrationPlace } from "./migration.ts";

/** What a lock needs. */
export interface LockSurroundings {
  readonly database: SqlDatabase;
  readonly at: MigrationPlace;
  readonly clock: Clock;
  readonly random: Random;
  /** For how long a row is given, in ms; a killed process holds the others up for so long. */
  readonly leaseMs: number;
}

/** A lock that is held. */
export interface HeldLock {
  /**
   * The connection whose session has the lock, if it is one. What is run on it keeps the lock for
   * as long as it runs, even if this process is gone by then.
   */
  readonly connection?: HeldConnection;
  /** Rejects if the lock was lost. Inside of a transaction it cannot be lost any more. */
  check(session: SqlSession): Promise<void>;
  release(): Promise<void>;
}

/** How locking is done on a database. */
export type LockKind = "transaction" | "advisory" | "named" | "lease";

/** The kind that fits the database and what is in front of it. */
export function lockKind(database: SqlDatabase): LockKind {
  return database.server.pooler === "transaction" ? "lease" : database.traits.migrationLock;
}

/** Takes the lock, or gives undefined if another process has it. */
export async function tryLock(surroundings: LockSurroundings): Promise<HeldLock | undefined> {
  const kind = lockKind(surroundings.database);
  if (kind === "lease") return tryLease(surroundings);
  if (kind === "transaction") return undefined;
  const held = await surroundings.database.hold();
  let texts: { readonly take: string; readonly check: string };
  try {
    const name = await lockName(held, surroundings.at);
    texts = kind === "advisory" ? advisory(name) : named(name);
    const [row] = await held.query(texts.take);
    if (Number(row?.taken) !== 1) {
      await held.end();
      return undefined;
    }
  } catch (error) {
    await held.end();
    throw error;
  }
  return {
    connection: held,
    async check() {
      const [row] = await held.query(texts.check);
      if (Number(row?.mine) !== 1) throw lost(surroundings.database);
    },
    // With the session goes the lock, whether the server would have let go of it or not.
    release: () => held.end(),
  };
}

/** The same tables have the same name; locks are of the server on MySQL, so the database is in. */
async function lockName(held: HeldConnection, at: MigrationPlace): Promise<string> {
  const own = at.dialect === "mysql" ? "database()" : "current_schema()";
  const [row] = await held.query(`select ${own} as place`);
  return createHash("sha256").update(`skein migrate ${row?.place} ${at.prefix}`).digest("hex");
}

function advisory(name: string) {
  const key = BigInt.asIntN(63, BigInt(`0x${name.slice(0, 16)}`));
  const [high, low] = [Number(BigInt.asIntN(32, key >> 32n)), Number(BigInt.asIntN(32, key))];
  return {
    take: `select pg_try_advisory_lock(${high}, ${low})::int as taken`,
    check: `select count(*)::int as mine from pg_locks where locktype = 'advisory' and granted
      and pid = pg_backend_pid() and objsubid = 2
      and classid::bigint = ${BigInt.asUintN(32, BigInt(high))}
      and objid::bigint = ${BigInt.asUintN(32, BigInt(low))}`,
  };
}

function named(name: string) {
  const lock = `skein-${name.slice(0, 40)}`;
  return {
    take: `select get_lock('${lock}', 0) as taken`,
    check: `select is_used_lock('${lock}') = connection_id() as mine`,
  };
}

/** The table of the row. */
export function lockTable(prefix: string): string {
  return `${prefix}migration_lock`;
}

async function tryLease(surroundings: LockSurroundings): Promise<HeldLock | undefined> {
  const { database, at, clock, random, leaseMs } = surroundings;
  const table = lockTable(at.prefix);
  const owner = Buffer.from(random.bytes(16)).toString("hex");
  await makeLockTable(database, at);
  const now = at.traits.nowMs;
  const taken = await database.execute(
    `update ${table} set owner = ?, until = ${now} + ${leaseMs} where id = 1 and until < ${now}`,
    [owner],
  );
  if (taken === 0) return undefined;
  const renew = (session: SqlSession) =>
    session.execute(`update ${table} set until = ${now} + ${leaseMs} where id = 1 and owner = ?`, [
      owner,
    ]);
  let isOver = false;
  let timer = clock.after(leaseMs / 3, again);
  function again(): void {
    if (isOver) return;
    timer = clock.after(leaseMs / 3, again);
    // One that fails is followed by another; `check` tells whether the row is still ours.
    renew(database).catch(() => undefined);
  }
  return {
    async check(session) {
      if ((await renew(session)) === 0) throw lost(database);
    },
    async release() {
      isOver = true;
      timer.cancel();
      await database.execute(`update ${table} set until = 0 where id = 1 and owner = ?`, [owner]);
    },
  };
}

async function makeLockTable(database: SqlDatabase, at: MigrationPlace): Promise<void> {
  const table = lockTable(at.prefix);
  const exists = await database.query(`select id from ${table} where id = 1`).then(
    (rows) => rows.length > 0,
    (error: unknown) => {
      if (database.traits.isMissingTable(error)) return false;
      throw error;
    },
  );
  if (exists) return;
  // Another process may be making it, row and all, at this moment.
  for (const text of [
    `create table if not exists ${table} (
      id integer not null primary key, owner varchar(64) not null, until bigint not null
    ) ${at.traits.createTableTail}`,
    `insert into ${table} (id, owner, until) values (1, '', 0)`,
  ]) {
    await database.execute(text).catch((error: unknown) => {
      if (!database.traits.isDuplicate(error) && !database.traits.isTransient(error)) throw error;
    });
  }
}

function lost(database: SqlDatabase): UnavailableError {
  return new UnavailableError(
    `${database.subject}: the lock for migrating was lost on the way; what was done is kept, ` +
      "start the migration again",
  );
}
