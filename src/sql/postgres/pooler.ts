/**
 * Finds out whether a pooler is between us and PostgreSQL, and whether it hands each transaction
 * to another session (PgBouncer's `pool_mode = transaction`).
 *
 * A pooler makes up the process id that it announces at log-in, while `pg_backend_pid()` is the
 * server's own. If the two differ, a second connection opens a transaction: two clients that are
 * connected at once never share a session, unless sessions are lent out by the transaction.
 */
import type { ServerFacts } from "../connection.ts";
import { firstRow } from "../once.ts";
import type { PostgresConnection } from "./postgres-connection.ts";

/** Other clients of the pooler may take the session in question in between. */
const ROUNDS = 5;

/** Asks on the connection, which stays open, and on another one if need be. */
export async function findPooler(
  first: PostgresConnection,
  open: () => Promise<PostgresConnection>,
): Promise<ServerFacts["pooler"]> {
  const seen = new Set([await backendOf(first)]);
  if (seen.has(first.announcedPid)) return "none";
  const second = await open();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const mine = await backendOf(first);
      seen.add(mine);
      await firstRow(second, "begin");
      const theirs = await backendOf(second);
      await firstRow(second, "rollback");
      if (seen.size > 1 || theirs === mine) return "transaction";
    }
    return "session";
  } finally {
    await second.close();
  }
}

async function backendOf(connection: PostgresConnection): Promise<number> {
  return Number((await firstRow(connection, "select pg_backend_pid() as pid")).pid);
}
