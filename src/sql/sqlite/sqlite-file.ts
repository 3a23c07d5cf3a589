/** The members of the drivers' classes that are used: of libsql, and of better-sqlite3. */

/** A file that is open. */
export interface SqliteFile {
  prepare(text: string): SqliteStatement;
  exec(text: string): unknown;
  close(): unknown;
}

/** A prepared statement. */
export interface SqliteStatement {
  /** It gives rows. */
  readonly reader: boolean;
  /** Integers are bigints. */
  safeIntegers(on: boolean): unknown;
  all(params: readonly unknown[]): unknown;
  get(params: readonly unknown[]): unknown;
  run(params: readonly unknown[]): { readonly changes: number | bigint };
}
