/** What is particular to SQLite. */
import { errorCode, type SqlTraits } from "../dialect.ts";

export const sqliteTraits: SqlTraits = {
  nowMs: "cast(unixepoch('subsec') * 1000 as integer)",
  nowUs: "(cast(unixepoch('subsec') * 1000 as integer) * 1000)",
  // Immediate, because a transaction that first reads and then writes cannot wait for its turn.
  begin: ({ readOnly }) => [readOnly ? "begin" : "begin immediate"],
  numberedPlaceholders: false,
  hasArrays: false,
  updateReturning: true,
  insertReturning: true,
  upsert: "on conflict",
  placeholdersMax: 32_766,
  writesInTransactions: true,
  stopsThisThread: true,
  transactionalDdl: true,
  migrationLock: "transaction",
  createTableTail: "",
  identity: "integer primary key autoincrement",
  bytewiseText: () => "text",
  longText: "text",
  isTransient(error) {
    const code = errorCode(error);
    return code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED");
  },
  isDuplicate(error) {
    const code = errorCode(error);
    return code === "SQLITE_CONSTRAINT_PRIMARYKEY" || code === "SQLITE_CONSTRAINT_UNIQUE";
  },
  isMissingTable: (error) =>
    errorCode(error).startsWith("SQLITE") &&
    error instanceof Error &&
    error.message.includes("no such table"),
  isMissingRight: (error) => errorCode(error).startsWith("SQLITE_READONLY"),
  isTooManyConnections: () => false,
  isTimedOut: (error) => errorCode(error) === "SQLITE_INTERRUPT",
  isServersWord: (error) =>
    errorCode(error) !== "" && !/^SQLITE_(?:IOERR|CORRUPT|NOTADB|CANTOPEN)/.test(errorCode(error)),
};
