/** Transactions, and the repetition of those that lost a race. */
import { sql } from "kysely";
import type { Clock, Random } from "../../runtime.ts";
import type { DatabaseTraits, Executor } from "./database.ts";

/** Repeating goes on for so long. Below the time-out of a query of discovery. */
const RETRY_FOR_MS = 4000;
const RETRY_BASE_MS = 4;
const RETRY_MAX_MS = 64;

/** Thrown inside a transaction whose assumption did not hold: it is rolled back and repeated. */
export class LostRaceError extends Error {}

/** Repeats `work` while it fails for a reason that repeating cures, with growing random pauses. */
export async function retrying<T>(
  environment: { readonly clock: Clock; readonly random: Random },
  traits: DatabaseTraits,
  work: () => Promise<T>,
): Promise<T> {
  const { clock, random } = environment;
  const startedAt = clock.now();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const curable = error instanceof LostRaceError || traits.isTransient(error);
      if (!curable || clock.now() - startedAt >= RETRY_FOR_MS) throw error;
    }
    const most = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt);
    await new Promise<void>((resolve) => clock.after(1 + random.float() * most, resolve));
  }
}

/** Runs `work` in one transaction on one connection. */
export async function transact<T>(
  executor: Executor,
  traits: DatabaseTraits,
  work: (connection: Executor) => Promise<T>,
): Promise<T> {
  return executor.connection().execute(async (connection) => {
    try {
      for (const statement of traits.begin) await sql.raw(statement).execute(connection);
      const result = await work(connection);
      await sql.raw("commit").execute(connection);
      return result;
    } catch (error) {
      // The first error is the one that tells; a connection that cannot even roll back is
      // thrown away by its driver.
      await sql
        .raw("rollback")
        .execute(connection)
        .catch(() => undefined);
      throw error;
    }
  });
}

/** Runs a single statement, inside a transaction if the database needs one for it. */
export function perform<T>(
  executor: Executor,
  traits: DatabaseTraits,
  work: (connection: Executor) => Promise<T>,
): Promise<T> {
  return traits.onlyInTransactions ? transact(executor, traits, work) : work(executor);
}
