/**
 * Brings the tables up to date, whoever else is doing the same at this moment. Where the database
 * undoes CREATE TABLE with a transaction, each migration is one; elsewhere it is marked as begun,
 * its steps are run, each of which may be repeated, and it is marked as done.
 *
 * Does nothing but one read if nothing is to be done, so that a role without the right to create
 * tables can run a program whose tables were made by another.
 */
import { RetryableError, UnsupportedError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import type { SqlDatabase, SqlSession } from "../database.ts";
import { missingGrants } from "../grants.ts";
import { type HeldLock, lockKind, tryLock } from "./lock.ts";
import { type Migration, type MigrationPlace, needsNoTransaction } from "./migration.ts";
import { runStep } from "./run-step.ts";
import {
  type MigrationState,
  makeStateTable,
  readState,
  refuseForeign,
  stateTable,
  writeRow,
} from "./state.ts";

/** What is migrated, and what it takes. */
export interface MigrateOptions {
  /**
   * Best one of its own, with time for long statements and at least two connections: see
   * `MIGRATION_POOL`.
   */
  readonly database: SqlDatabase;
  /** In the order of their versions. */
  readonly migrations: readonly Migration[];
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Longest wait for another process that migrates, in ms. Default 600,000. */
  readonly waitMs?: number;
  /** Where the lock is a row: for how long it is given, in ms. Default 15,000. */
  readonly leaseMs?: number;
}

/** A pool for migrating: an index of a large table takes its time. */
export const MIGRATION_POOL = {
  max: 3,
  min: 0,
  statementMs: 3_600_000,
  idleInTransactionMs: 600_000,
} as const;

const WAIT_MS = 600_000;
const LEASE_MS = 15_000;
const PAUSE_BASE_MS = 50;
const PAUSE_MAX_MS = 1_000;
const RETRIES_MAX = 100_000;

/** One that was applied by this call. */
export interface DoneMigration {
  readonly version: number;
  readonly name: string;
  readonly durationMs: number;
}

/** Applies what is missing; gives what this call applied, which may be nothing. */
export async function migrate(options: MigrateOptions): Promise<readonly DoneMigration[]> {
  const { database, migrations, log, clock } = options;
  const at = placeOf(options);
  const startedAt = clock.now();
  const state = await readState(database, migrations, at);
  refuseForeign(database.subject, state, migrations, at);
  warnOfUnknown(options, state);
  if (state.pending.length === 0) return [];
  await refuseWithoutGrants(options);
  const done =
    lockKind(database) === "transaction"
      ? await migrateInOne(options, at)
      : await migrateUnderLock(options, at);
  if (done.length > 0) {
    const ms = Math.round(clock.now() - startedAt);
    const version = done.at(-1)?.version;
    log.info({ database: database.subject, count: done.length, version, ms }, "Migrations applied");
  }
  return done;
}

/** Where the migrations are applied. */
export function placeOf(options: {
  readonly database: SqlDatabase;
  readonly prefix: string;
}): MigrationPlace {
  const { database, prefix } = options;
  return { dialect: database.dialect, traits: database.traits, prefix };
}

function warnOfUnknown({ database, log }: MigrateOptions, state: MigrationState): void {
  const newest = state.unknown.at(-1);
  if (newest === undefined) return;
  log.warn(
    { database: database.subject, version: newest.version, name: newest.name },
    "the tables were migrated by a newer program, with which this one gets on",
  );
}

async function refuseWithoutGrants({ database, migrations, prefix }: MigrateOptions) {
  const at = placeOf({ database, prefix });
  const tables = new Set([stateTable(prefix)]);
  for (const migration of migrations) {
    for (const step of migration.steps(at)) if (step.kind !== "sql") tables.add(step.table);
  }
  const missing = await missingGrants(database, [...tables]);
  if (missing.length === 0) return;
  const list = missing.map(({ right, command }) => `${right} (${command})`).join("; ");
  throw new UnsupportedError(`${database.subject}: the role lacks rights for migrating: ${list}`);
}

/** All in one transaction, which is the lock. */
async function migrateInOne(options: MigrateOptions, at: MigrationPlace) {
  const { database, migrations, clock, waitMs = WAIT_MS } = options;
  return database.transact(
    async (tx) => {
      const done: DoneMigration[] = [];
      await makeStateTable(tx, at);
      const state = await readState(tx, migrations, at);
      refuseForeign(database.subject, state, migrations, at);
      for (const migration of state.pending) {
        done.push(await applyInTransaction(tx, migration, { ...at, clock }));
      }
      return done;
    },
    { retries: RETRIES_MAX, deadlineMs: waitMs },
  );
}

async function migrateUnderLock(options: MigrateOptions, at: MigrationPlace) {
  const { database, migrations } = options;
  const lock = await waitForLock(options, at);
  if (lock === undefined) return [];
  try {
    await makeStateTable(database, at);
    const state = await readState(database, migrations, at);
    refuseForeign(database.subject, state, migrations, at);
    const done: DoneMigration[] = [];
    for (const migration of state.pending) {
      done.push(await applyUnderLock(options, lock, { migration, at }));
    }
    return done;
  } finally {
    await lock.release().catch((error: unknown) => {
      options.log.warn({ error: String(error) }, "the lock for migrating could not be given back");
    });
  }
}

/** Undefined if another process has done all the work meanwhile. */
async function waitForLock(
  options: MigrateOptions,
  at: MigrationPlace,
): Promise<HeldLock | undefined> {
  const { database, migrations, clock, random, log, waitMs = WAIT_MS } = options;
  const until = clock.now() + waitMs;
  const surroundings = { database, at, clock, random, leaseMs: options.leaseMs ?? LEASE_MS };
  for (let attempt = 0; ; attempt++) {
    const lock = await tryLock(surroundings);
    if (lock !== undefined) return lock;
    if (attempt === 0) log.info({ database: database.subject }, "another process is migrating");
    if (clock.now() >= until) {
      throw new RetryableError(
        `${database.subject}: another process was migrating for more than ${waitMs} ms`,
      );
    }
    const most = Math.min(PAUSE_MAX_MS, PAUSE_BASE_MS * 2 ** Math.min(attempt, 10));
    const ms = most * (0.5 + 0.5 * random.float());
    await new Promise<void>((resolve) => clock.after(ms, resolve));
    if ((await readState(database, migrations, at)).pending.length === 0) return undefined;
  }
}

async function applyUnderLock(
  options: MigrateOptions,
  lock: HeldLock,
  { migration, at }: { readonly migration: Migration; readonly at: MigrationPlace },
): Promise<DoneMigration> {
  const { database, clock } = options;
  const steps = migration.steps(at);
  if (at.traits.transactionalDdl && !steps.some((step) => needsNoTransaction(step, at))) {
    return database.transact(async (tx) => {
      await lock.check(tx);
      return applyInTransaction(tx, migration, { ...at, clock });
    });
  }
  const startedAt = clock.now();
  await writeRow(database, at, { migration, durationMs: 0, isDirty: true });
  const runner = lock.connection ?? database;
  for (const step of steps) {
    await lock.check(database);
    await runStep(runner, step, { ...at, clock });
  }
  await lock.check(database);
  const durationMs = clock.now() - startedAt;
  await writeRow(database, at, { migration, durationMs, isDirty: false });
  return { version: migration.version, name: migration.name, durationMs };
}

async function applyInTransaction(
  tx: SqlSession,
  migration: Migration,
  at: MigrationPlace & { readonly clock: Clock },
): Promise<DoneMigration> {
  const startedAt = at.clock.now();
  for (const step of migration.steps(at)) await runStep(tx, step, at);
  const durationMs = at.clock.now() - startedAt;
  await writeRow(tx, at, { migration, durationMs, isDirty: false });
  return { version: migration.version, name: migration.name, durationMs };
}
