/** Whether the server lets a pool have as many connections as it may want. */
import type { SqlDatabase } from "./database.ts";
import { numberOf } from "./row-values.ts";

/** How many connections there are for us. */
export interface ConnectionBudget {
  /** Most connections of all clients, without those kept for administrators. */
  readonly serverMax: number;
  /** Most connections of this role to this database, if that is less. */
  readonly ownMax: number;
  /** Open now, by others and by us. */
  readonly open: number;
}

/** Undefined where the database has no such limit, or a pooler in between hides it. */
export async function connectionBudget(
  database: SqlDatabase,
): Promise<ConnectionBudget | undefined> {
  if (database.server.pooler !== "none") return undefined;
  if (database.dialect === "postgres") return budgetOfPostgres(database);
  if (database.dialect === "mysql") return budgetOfMysql(database);
  return undefined;
}

/** One sentence with the figures if `processes` pools of `poolMax` are too many; else undefined. */
export function budgetFault(
  budget: ConnectionBudget | undefined,
  { poolMax, processes }: { readonly poolMax: number; readonly processes: number },
): string | undefined {
  if (budget === undefined) return undefined;
  const most = Math.min(budget.serverMax, budget.ownMax);
  const wanted = poolMax * processes;
  if (wanted <= most) return undefined;
  const whose = budget.ownMax < budget.serverMax ? "this role may have" : "the server has";
  const fair = Math.max(1, Math.floor(most / processes));
  const many = processes === 1 ? "" : ` in each of ${processes} processes`;
  return (
    `pool.max is ${poolMax}${many}, but ${whose} ${most} connections, ${budget.open} of them ` +
    `open: set pool.max to ${fair} or less, or raise the limit to ${wanted} or more`
  );
}

async function budgetOfPostgres(database: SqlDatabase): Promise<ConnectionBudget> {
  const [row] = await database.query(
    `select current_setting('max_connections')::int as server_max,
       current_setting('superuser_reserved_connections')::int as reserved,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as open,
       (select rolconnlimit from pg_roles where rolname = current_user) as role_max,
       (select datconnlimit from pg_database where datname = current_database()) as database_max`,
  );
  const limits = [row?.role_max, row?.database_max].map(numberOf).filter((limit) => limit >= 0);
  return {
    serverMax: numberOf(row?.server_max) - numberOf(row?.reserved),
    ownMax: Math.min(Number.POSITIVE_INFINITY, ...limits),
    open: numberOf(row?.open),
  };
}

async function budgetOfMysql(database: SqlDatabase): Promise<ConnectionBudget> {
  const [row] = await database.query(
    "select @@global.max_connections as server_max, @@session.max_user_connections as own_max",
  );
  const [status] = await database.query("show global status like 'Threads_connected'");
  const own = numberOf(row?.own_max);
  return {
    serverMax: numberOf(row?.server_max),
    ownMax: own === 0 ? Number.POSITIVE_INFINITY : own,
    open: numberOf(status?.Value),
  };
}
