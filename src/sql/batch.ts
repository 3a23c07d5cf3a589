/**
 * Many rows by few statements: arrays and `unnest` where there are arrays, else VALUES lists. A
 * list of any length is sent in pieces of few different lengths, so that few texts are prepared.
 * All pieces go to the session that is given: give a transaction if all or none shall be written.
 */
import type { SqlSession } from "./database.ts";
import type { SqlTraits, SqlValue } from "./dialect.ts";

/** Which table, which columns, and what to do with rows that are there. */
export interface BatchPlan {
  readonly table: string;
  readonly columns: readonly BatchColumn[];
  /**
   * What is done with a row that is there: an error by default, `ignore`, or the columns that get
   * the new values. Two rows of one batch must not have one key.
   */
  readonly onConflict?: {
    readonly key: readonly string[];
    readonly update: readonly string[] | "ignore";
  };
}

/** A column and, for databases with arrays, the type of its elements. */
export interface BatchColumn {
  readonly name: string;
  readonly type: "bigint" | "integer" | "smallint" | "text" | "bytea" | "boolean" | "float8";
}

/** Rows in one statement. More gains nothing, and holds the event loop for longer. */
const ROWS_MAX = 1000;
/** VALUES lists are as long as a power of this. */
const STEP = 4;

/** Writes rows; make it once for each table, its texts are kept. */
export class Batch {
  readonly #traits: SqlTraits;
  readonly #plan: BatchPlan;
  readonly #tail: string;
  readonly #texts = new Map<number, string>();

  constructor(traits: SqlTraits, plan: BatchPlan) {
    this.#traits = traits;
    this.#plan = plan;
    this.#tail = conflictTail(traits, plan);
  }

  /** Each row has its values in the order of the columns. Gives what the database counts. */
  async run(session: SqlSession, rows: readonly (readonly SqlValue[])[]): Promise<number> {
    return this.#traits.hasArrays ? this.#byArrays(session, rows) : this.#byLists(session, rows);
  }

  async #byArrays(session: SqlSession, rows: readonly (readonly SqlValue[])[]): Promise<number> {
    const { columns } = this.#plan;
    const text = this.#text(0, () => {
      const arrays = columns.map(({ type }) => `?::${type}[]`).join(", ");
      return `select * from unnest(${arrays})`;
    });
    let changes = 0;
    for (let start = 0; start < rows.length; start += ROWS_MAX) {
      const piece = rows.slice(start, start + ROWS_MAX);
      const arrays = columns.map((_, column) => piece.map((row) => row[column] ?? null));
      changes += await session.execute(text, arrays);
    }
    return changes;
  }

  async #byLists(session: SqlSession, rows: readonly (readonly SqlValue[])[]): Promise<number> {
    const width = this.#plan.columns.length;
    const most = Math.min(ROWS_MAX, Math.floor(this.#traits.placeholdersMax / width));
    let changes = 0;
    for (let start = 0; start < rows.length; ) {
      const count = pieceLength(rows.length - start, most);
      const row = `(${new Array(width).fill("?").join(", ")})`;
      const text = this.#text(count, () => `values ${new Array(count).fill(row).join(", ")}`);
      changes += await session.execute(text, rows.slice(start, start + count).flat());
      start += count;
    }
    return changes;
  }

  #text(count: number, source: () => string): string {
    const known = this.#texts.get(count);
    if (known !== undefined) return known;
    const { table, columns } = this.#plan;
    const names = columns.map(({ name }) => name).join(", ");
    const text = `insert into ${table} (${names}) ${source()}${this.#tail}`;
    this.#texts.set(count, text);
    return text;
  }
}

/** The longest power of `STEP` that fits, and `most` itself. */
function pieceLength(left: number, most: number): number {
  if (left >= most) return most;
  let length = 1;
  while (length * STEP <= left) length *= STEP;
  return length;
}

/** What INSERT says about rows that are there; begins with a space unless empty. */
export function conflictTail(traits: SqlTraits, { onConflict }: BatchPlan): string {
  if (onConflict === undefined) return "";
  const { key, update } = onConflict;
  const first = key[0] ?? "";
  if (traits.upsert === "on conflict") {
    const target = ` on conflict (${key.join(", ")}) do`;
    if (update === "ignore") return `${target} nothing`;
    return `${target} update set ${update.map((name) => `${name} = excluded.${name}`).join(", ")}`;
  }
  // Sets a column to itself: INSERT IGNORE would hide other faults as well.
  if (update === "ignore") return ` on duplicate key update ${first} = ${first}`;
  return ` on duplicate key update ${update.map((name) => `${name} = values(${name})`).join(", ")}`;
}
