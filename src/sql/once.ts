/** One statement on one connection, as a promise: for what is not on the path of the data. */
import type { SqlConnection } from "./connection.ts";
import type { SqlRow } from "./dialect.ts";
import { plain } from "./statement.ts";

/** All rows. */
export function rowsOf(connection: SqlConnection, text: string): Promise<readonly SqlRow[]> {
  return new Promise((resolve, reject) => {
    connection.run(plain(text), undefined, (error, rows) => {
      if (error === undefined) resolve(rows);
      else reject(error);
    });
  });
}

/** The first row, or an empty one. */
export async function firstRow(connection: SqlConnection, text: string): Promise<SqlRow> {
  return (await rowsOf(connection, text))[0] ?? {};
}
