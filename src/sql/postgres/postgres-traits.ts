/** What is particular to PostgreSQL, and to CockroachDB. */
import { type BeginRequest, errorCode, type SqlTraits } from "../dialect.ts";

/** Serialization failure, deadlock, and a lock that was not to be had in time. */
const TRANSIENT: ReadonlySet<string> = new Set(["40001", "40P01", "55P03"]);
/** Insufficient privilege, and a standby that only reads. */
const MISSING_RIGHT: ReadonlySet<string> = new Set(["42501", "25006"]);
/**
 * Said by the server too, but as its last word: shut down, crashed, cannot connect now, ended for
 * idling in a transaction.
 */
const LAST_WORDS = /^(?:57P0[1-5]|08...|25P0[34]|XX...)$/;

const shared = {
  nowMs: "((extract(epoch from clock_timestamp()) * 1000)::bigint)",
  nowUs: "((extract(epoch from clock_timestamp()) * 1000000)::bigint)",
  numberedPlaceholders: true,
  hasArrays: true,
  updateReturning: true,
  insertReturning: true,
  upsert: "on conflict",
  placeholdersMax: 65_535,
  writesInTransactions: false,
  stopsThisThread: false,
  createTableTail: "",
  bytewiseText: () => `text collate "C"`,
  longText: "text",
  isTransient: (error) => TRANSIENT.has(errorCode(error)),
  isDuplicate: (error) => errorCode(error) === "23505",
  isMissingTable: (error) => errorCode(error) === "42P01",
  isMissingRight: (error) => MISSING_RIGHT.has(errorCode(error)),
  isTooManyConnections: (error) => errorCode(error) === "53300",
  isTimedOut: (error) => errorCode(error) === "57014",
  isServersWord(error) {
    const code = errorCode(error);
    return /^[0-9A-Z]{5}$/.test(code) && !LAST_WORDS.test(code) && code !== "EPIPE";
  },
} as const satisfies Partial<SqlTraits>;

export const postgresTraits: SqlTraits = {
  ...shared,
  begin(request) {
    const { isolation = "read committed", isBehindPooler } = request;
    const begin = `begin isolation level ${isolation}${access(request)}`;
    if (!isBehindPooler) return [begin];
    const limits =
      `set local statement_timeout = ${request.statementMs}; ` +
      `set local idle_in_transaction_session_timeout = ${request.idleInTransactionMs}`;
    return [`${begin}; ${limits}`];
  },
  transactionalDdl: true,
  migrationLock: "advisory",
  identity: "bigint generated always as identity",
};

/** Untested: no server could be had. Advisory locks do nothing there. */
export const cockroachTraits: SqlTraits = {
  ...shared,
  begin: (request) => [`begin${access(request)}`],
  transactionalDdl: false,
  migrationLock: "lease",
  // Its sequences grow by one; without them ids are beyond what a JSON number holds.
  identity: "bigint generated always as identity",
};

function access(request: BeginRequest): string {
  return request.readOnly ? " read only" : "";
}
