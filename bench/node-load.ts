/** What a load calls on a table: writes of fresh rows, one after another or several at once. */
import type { Table } from "../src/index.ts";
import type { Calls } from "./loop.ts";
import { keyOf, rowsFrom, type Session, sessionOf } from "./session-rows.ts";
import type { Load } from "./side.ts";

/** The rows that were written: from the first one on, up to before `to`. */
export interface RowRange {
  from: number;
  to: number;
}

/** Takes each row from the end of `range`, which grows by it. */
export function tableCalls(table: Table<Session>, load: Load, range: RowRange): Calls {
  const { kind, rowsPerCall } = load;
  const next = () => {
    const row = range.to;
    range.to += rowsPerCall;
    return row;
  };
  const set = (row: number) => table.set(keyOf(row), sessionOf(row));
  switch (kind) {
    case "set":
      if (rowsPerCall === 1) return { call: () => set(next()) };
      return { call: () => table.setMany(rowsFrom(next(), rowsPerCall)) };
    case "pipelined":
      return {
        call() {
          const first = next();
          return Promise.all(Array.from({ length: rowsPerCall }, (_, at) => set(first + at)));
        },
      };
    case "insertNew":
      return {
        async call() {
          const row = next();
          const isNew = await table.insertNew(keyOf(row), sessionOf(row));
          // Each load has rows of its own.
          if (!isNew) throw new Error(`row ${row} was there before it was inserted`);
        },
      };
    case "delete":
      return {
        call: () => Promise.reject(new Error("a delete is prepared")),
        async prepare() {
          const row = next();
          await set(row);
          return () => table.delete(keyOf(row));
        },
      };
    case "get":
    case "prefix":
      throw new Error("reads are local and need no callers");
  }
}
