/**
 * Runs one step, wherever a run before it was cut off: what is there already is left alone, and an
 * index whose building was cut off is built anew.
 */
import { RetryableError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import type { SqlRow } from "../dialect.ts";
import {
  type MigrationPlace,
  type MigrationStep,
  needsNoTransaction,
  statementOf,
} from "./migration.ts";

/** What runs statements: a transaction, a connection that holds the lock, or the database. */
export interface StepRunner {
  query(text: string): Promise<readonly SqlRow[]>;
}

const BUILD_POLL_MS = 100;
const BUILD_WAIT_MAX_MS = 3_600_000;

/** See the head of this file. */
export async function runStep(
  runner: StepRunner,
  step: MigrationStep,
  at: MigrationPlace & { readonly clock: Clock },
): Promise<void> {
  if (needsNoTransaction(step, at) && step.kind === "index") {
    await clearUnfinished(runner, step.index, at.clock);
  }
  if (await isThere(runner, step, at)) return;
  await runner.query(statementOf(step, at));
}

/** For databases whose own statements have no IF NOT EXISTS. */
async function isThere(
  runner: StepRunner,
  step: MigrationStep,
  { dialect }: MigrationPlace,
): Promise<boolean> {
  if (dialect === "mysql" && step.kind === "index") {
    const rows = await runner.query(
      `select 1 from information_schema.statistics where table_schema = database()
       and table_name = '${step.table}' and index_name = '${step.index}'`,
    );
    return rows.length > 0;
  }
  if (dialect === "mysql" && step.kind === "column") {
    const rows = await runner.query(
      `select 1 from information_schema.columns where table_schema = database()
       and table_name = '${step.table}' and column_name = '${step.column}'`,
    );
    return rows.length > 0;
  }
  if (dialect === "sqlite" && step.kind === "column") {
    const rows = await runner.query(
      `select 1 from pragma_table_info('${step.table}') where name = '${step.column}'`,
    );
    return rows.length > 0;
  }
  return false;
}

/** A concurrent build that failed leaves an invalid index, which IF NOT EXISTS takes for one. */
async function clearUnfinished(runner: StepRunner, index: string, clock: Clock): Promise<void> {
  const isInvalid = async () => {
    const rows = await runner.query(
      `select 1 from pg_index where indexrelid = to_regclass('${index}') and not indisvalid`,
    );
    return rows.length > 0;
  };
  const until = clock.now() + BUILD_WAIT_MAX_MS;
  while (await isInvalid()) {
    // A process that was killed may have left its server process at work on it.
    const building = await runner.query(
      `select 1 from pg_stat_progress_create_index where index_relid = to_regclass('${index}')`,
    );
    if (building.length === 0) {
      if (await isInvalid()) await runner.query(`drop index concurrently if exists ${index}`);
      return;
    }
    if (clock.now() > until) {
      throw new RetryableError(`another session is still building the index ${index}`);
    }
    await new Promise<void>((resolve) => clock.after(BUILD_POLL_MS, resolve));
  }
}
