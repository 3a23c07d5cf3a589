/** What is particular to MySQL and MariaDB. */
import { driversError, errorCode, type SqlTraits } from "../dialect.ts";

const TRANSIENT: ReadonlySet<string> = new Set([
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_CHECKREAD",
]);
const DUPLICATE: ReadonlySet<string> = new Set(["ER_DUP_ENTRY", "ER_DUP_ENTRY_WITH_KEY_NAME"]);
const MISSING_RIGHT: ReadonlySet<string> = new Set([
  "ER_TABLEACCESS_DENIED_ERROR",
  "ER_COLUMNACCESS_DENIED_ERROR",
  "ER_DBACCESS_DENIED_ERROR",
  "ER_SPECIFIC_ACCESS_DENIED_ERROR",
  "ER_OPTION_PREVENTS_STATEMENT",
]);
const TOO_MANY: ReadonlySet<string> = new Set([
  "ER_CON_COUNT_ERROR",
  "ER_TOO_MANY_USER_CONNECTIONS",
  "ER_USER_LIMIT_REACHED",
]);
const TIMED_OUT: ReadonlySet<string> = new Set([
  "ER_STATEMENT_TIMEOUT",
  "ER_QUERY_TIMEOUT",
  "ER_QUERY_INTERRUPTED",
]);
/** mysql2 has MySQL's names alone, and another name for this number of MariaDB's. */
const MARIADB_TIMED_OUT = 1969;
/** Said by the server, but as its last word. */
const LAST_WORDS: ReadonlySet<string> = new Set([
  "ER_SERVER_SHUTDOWN",
  "ER_NORMAL_SHUTDOWN",
  "ER_CONNECTION_KILLED",
  "ER_CLIENT_INTERACTION_TIMEOUT",
]);

/** MariaDB's statements that MySQL lacks are not used: the two share these traits. */
export const mysqlTraits: SqlTraits = {
  // In UTC throughout: local time has an hour twice each autumn.
  nowMs: "(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)",
  nowUs: "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
  // The session's isolation is read committed already.
  begin({ isolation, readOnly }) {
    const start = readOnly ? "start transaction read only" : "start transaction";
    if (isolation === undefined) return [start];
    return [`set transaction isolation level ${isolation}`, start];
  },
  numberedPlaceholders: false,
  hasArrays: false,
  updateReturning: false,
  insertReturning: false,
  upsert: "on duplicate key",
  placeholdersMax: 65_535,
  writesInTransactions: false,
  stopsThisThread: false,
  transactionalDdl: false,
  migrationLock: "named",
  // Names differ by case and by accents, as they do everywhere else.
  createTableTail: "engine = InnoDB character set utf8mb4 collate utf8mb4_bin",
  identity: "bigint not null auto_increment",
  // Collations of text take "a" and "a " for equal, even the one that compares bytes.
  bytewiseText: (bytesMax) => `varbinary(${bytesMax})`,
  longText: "longtext",
  isTransient: (error) => TRANSIENT.has(errorCode(error)),
  isDuplicate: (error) => DUPLICATE.has(errorCode(error)),
  isMissingTable: (error) => errorCode(error) === "ER_NO_SUCH_TABLE",
  isMissingRight: (error) => MISSING_RIGHT.has(errorCode(error)),
  isTooManyConnections: (error) => TOO_MANY.has(errorCode(error)),
  isTimedOut: (error) =>
    TIMED_OUT.has(errorCode(error)) || errorNumber(error) === MARIADB_TIMED_OUT,
  isServersWord(error) {
    const found = driversError(error);
    const fatal = typeof found === "object" && found !== null && "fatal" in found && found.fatal;
    const code = errorCode(error);
    return code.startsWith("ER_") && fatal !== true && !LAST_WORDS.has(code);
  },
};

function errorNumber(error: unknown): number {
  const found = driversError(error);
  return typeof found === "object" && found !== null && "errno" in found ? Number(found.errno) : 0;
}
