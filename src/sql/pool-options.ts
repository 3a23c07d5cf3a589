/** How many connections are kept, and for how long what is waited for. */

/** All of them may be left out. */
export interface PoolOptions {
  /** Most connections. Default 50. */
  readonly max?: number;
  /** Kept open when nothing is asked. Default 2. */
  readonly min?: number;
  /** Longest wait for a free connection, in ms. Default 5,000. */
  readonly acquireMs?: number;
  /** Most callers that wait for one; the next is refused at once. Default 1,000. */
  readonly queueMax?: number;
  /** Connections beyond `min` are closed after so long without work, in ms. Default 60,000. */
  readonly idleMs?: number;
  /** A connection is replaced at this age, give or take a tenth, in ms. Default 1,800,000. */
  readonly lifetimeMs?: number;
  /** Idle connections are asked for a sign of life so often, in ms. Default 20,000. */
  readonly keepaliveMs?: number;
  /** Time for connecting and logging in, in ms. Default 5,000. */
  readonly connectMs?: number;
  /**
   * Time for one statement, in ms. The server ends it then; a server that does not answer loses
   * the connection soon after. Default 15,000.
   */
  readonly statementMs?: number;
  /** The server ends a transaction in which nothing is asked for so long, in ms. Default 60,000. */
  readonly idleInTransactionMs?: number;
  /** On closing, running work is waited for so long, in ms. Default 5,000. */
  readonly drainMs?: number;
}

export const POOL_DEFAULTS: Required<PoolOptions> = {
  max: 50,
  min: 2,
  acquireMs: 5_000,
  queueMax: 1_000,
  idleMs: 60_000,
  lifetimeMs: 1_800_000,
  keepaliveMs: 20_000,
  connectMs: 5_000,
  statementMs: 15_000,
  idleInTransactionMs: 60_000,
  drainMs: 5_000,
};

/** With the defaults; those that another option bounds give way to it. */
export function poolWithDefaults(given: PoolOptions): Required<PoolOptions> {
  const options = { ...POOL_DEFAULTS, ...given };
  const { max, min, keepaliveMs, idleInTransactionMs } = options;
  return {
    ...options,
    min: given.min ?? Math.min(min, max),
    keepaliveMs: given.keepaliveMs ?? Math.min(keepaliveMs, Math.floor(idleInTransactionMs / 2)),
  };
}

const DAY_MS = 86_400_000;
const LIMITS: { readonly [key in keyof Required<PoolOptions>]: readonly [number, number] } = {
  max: [1, 1_000],
  min: [0, 1_000],
  acquireMs: [1, 600_000],
  queueMax: [0, 1_000_000],
  idleMs: [100, DAY_MS],
  lifetimeMs: [1_000, DAY_MS],
  keepaliveMs: [100, 600_000],
  connectMs: [10, 600_000],
  statementMs: [10, 3_600_000],
  idleInTransactionMs: [1_000, 3_600_000],
  drainMs: [0, 600_000],
};

/** What is wrong with the options, one sentence each; `path` goes before each name. */
export function poolFaults(options: object, path = "pool"): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const limit = Object.entries(LIMITS).find(([known]) => known === name)?.[1];
    if (limit === undefined) {
      const known = Object.keys(LIMITS).join(", ");
      faults.push(`${path}.${name}: is not known, allowed are ${known}`);
      continue;
    }
    const [least, most] = limit;
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    faults.push(`${path}.${name}: is ${shown(value)}, allowed is ${least} to ${most}`);
  }
  if (faults.length > 0) return faults;
  const { min, max, keepaliveMs, idleInTransactionMs } = poolWithDefaults(options);
  if (min > max) faults.push(`${path}.min: is ${min}, must not be above max, which is ${max}`);
  if (keepaliveMs * 2 > idleInTransactionMs) {
    faults.push(
      `${path}.keepaliveMs: is ${keepaliveMs}, must not be above half of ` +
        `idleInTransactionMs, which is ${idleInTransactionMs}`,
    );
  }
  return faults;
}

function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : `of type ${typeof value}`;
}
