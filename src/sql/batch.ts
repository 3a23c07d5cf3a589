/**
 * Many rows by few statements: arrays and `unnest` where there are arrays, else VALUES lists. A
 * list of any length is sent in pieces of few different lengths, so that few texts are prepared;
 * where a row that is there does no harm, the last one is repeated to fill a piece up.
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

type Rows = readonly (readonly SqlValue[])[];

/** Rows in one statement. More gains nothing, and holds the event loop for longer. */
export const BATCH_ROWS_MAX = 1024;
/** VALUES lists are as long as a power of this, where a row must not come twice. */
const STEP = 4;
/** Lengths of VALUES lists between a power of two and the next, where a row may come twice. */
const FILL_STEPS = 8;

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

  /**
   * Each row has its values in the order of the columns. Up to `rowsMax` rows with an `onConflict`
   * are one statement.
   */
  async run(session: SqlSession, rows: Rows, rowsMax: number = BATCH_ROWS_MAX): Promise<void> {
    if (this.#traits.hasArrays) await this.#byArrays(session, rows, rowsMax);
    else await this.#byLists(session, rows, rowsMax);
  }

  async #byArrays(session: SqlSession, rows: Rows, rowsMax: number): Promise<void> {
    const { columns } = this.#plan;
    const text = this.#text(0, () => {
      const arrays = columns.map(({ type }) => `?::${type}[]`).join(", ");
      return `select * from unnest(${arrays})`;
    });
    for (let start = 0; start < rows.length; start += rowsMax) {
      const piece = rows.slice(start, start + rowsMax);
      const arrays = columns.map((_, column) => piece.map((row) => row[column] ?? null));
      await session.execute(text, arrays);
    }
  }

  async #byLists(session: SqlSession, rows: Rows, rowsMax: number): Promise<void> {
    const { columns, onConflict } = this.#plan;
    const width = columns.length;
    const most = Math.min(rowsMax, Math.floor(this.#traits.placeholdersMax / width));
    for (let start = 0; start < rows.length; ) {
      const left = rows.length - start;
      // A row that may come twice fills the list up: one statement instead of several.
      const count =
        onConflict === undefined ? pieceLength(left, most) : Math.min(most, filledLength(left));
      const row = `(${new Array(width).fill("?").join(", ")})`;
      const text = this.#text(count, () => `values ${new Array(count).fill(row).join(", ")}`);
      await session.execute(text, valuesOf(rows, start, count, width));
      start += count;
    }
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

/** Rows one after the other, the last one again and again behind the end. */
function valuesOf(rows: Rows, start: number, count: number, width: number): readonly SqlValue[] {
  const values: SqlValue[] = [];
  const end = rows.length - 1;
  for (let index = start; index < start + count; index++) {
    const row = rows[Math.min(index, end)] ?? [];
    for (let column = 0; column < width; column++) values.push(row[column] ?? null);
  }
  return values;
}

/**
 * The least length that is not less, of eight between a power of two and the next: 1 to 16, 18, 20
 * … 32, 36 …. At most an eighth is written twice, and no more than 64 texts are prepared.
 */
function filledLength(left: number): number {
  let step = 1;
  while (step * FILL_STEPS * 2 < left) step *= 2;
  return Math.ceil(left / step) * step;
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
