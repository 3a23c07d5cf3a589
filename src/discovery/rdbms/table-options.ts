/** How the rows in the database are kept: the options, their defaults and their check. */

/** All of them may be left out. */
export interface TableOptions {
  /** Goes before the names of all tables: up to 24 letters, digits and _. Default: none. */
  readonly prefix?: string;
  /**
   * A row not refreshed for so long is not dialled. Must be above the longest time between two
   * queries, since a query is what refreshes the row. Default 420,000 ms (7 min).
   */
  readonly staleAfterMs?: number;
  /**
   * A row not refreshed for so long is removed and its number given away. Must be above
   * `staleAfterMs`. Default 600,000 ms (10 min).
   */
  readonly expireAfterMs?: number;
  /**
   * For how long the lease of tables with `split: "leaseSide"` is given. It is renewed each three
   * tenths of it; when its holder dies, writes to such tables wait until it lapses. The same on all
   * nodes. Default 10,000 ms.
   */
  readonly leaseMs?: number;
  /** Time for connecting to a server and logging in. Default 3,000 ms. */
  readonly connectTimeoutMs?: number;
  /** Time for one statement; after it the connection is thrown away. Default 4,000 ms. */
  readonly statementTimeoutMs?: number;
}

export const TABLE_DEFAULTS: Required<TableOptions> = {
  prefix: "",
  staleAfterMs: 420_000,
  expireAfterMs: 600_000,
  leaseMs: 10_000,
  connectTimeoutMs: 3_000,
  statementTimeoutMs: 4_000,
};

const EXPIRE_MAX_MS = 86_400_000;
const TIMEOUT_MAX_MS = 60_000;
const LEASE_MAX_MS = 600_000;
const LEASE_MIN_MS = 1_000;

/** What is wrong with the table's options, one sentence each. */
export function tableFaults(options: Required<TableOptions>): string[] {
  const faults: string[] = [];
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(TABLE_DEFAULTS, name)) continue;
    const known = Object.keys(TABLE_DEFAULTS).join(", ");
    faults.push(`tableOptions.${name}: is not known, allowed are ${known}`);
  }
  const { prefix, staleAfterMs, expireAfterMs } = options;
  if (typeof prefix !== "string" || !/^[A-Za-z0-9_]{0,24}$/.test(prefix)) {
    faults.push(
      `tableOptions.prefix: is ${JSON.stringify(prefix)}, ` +
        "allowed are up to 24 letters, digits and _",
    );
  }
  const limits = [
    ["staleAfterMs", EXPIRE_MAX_MS],
    ["expireAfterMs", EXPIRE_MAX_MS],
    ["leaseMs", LEASE_MAX_MS],
    ["connectTimeoutMs", TIMEOUT_MAX_MS],
    ["statementTimeoutMs", TIMEOUT_MAX_MS],
  ] as const;
  for (const [name, max] of limits) {
    const value = options[name];
    if (Number.isSafeInteger(value) && value >= 1 && value <= max) continue;
    faults.push(`tableOptions.${name}: is ${String(value)}, allowed is 1 to ${max} ms`);
  }
  if (options.leaseMs >= 1 && options.leaseMs < LEASE_MIN_MS) {
    faults.push(`tableOptions.leaseMs: is ${options.leaseMs}, at least ${LEASE_MIN_MS} ms`);
  }
  if (expireAfterMs <= staleAfterMs) {
    faults.push(
      `tableOptions.expireAfterMs: is ${expireAfterMs}, ` +
        `must be above staleAfterMs, which is ${staleAfterMs}`,
    );
  }
  return faults;
}
