/**
 * The value that readers see where concurrent writes have left siblings and the table says how to
 * merge them. Worked out at the first read and kept until the siblings change. The function is
 * the user's: where it throws, or gives what no table can hold, that is counted and the greatest
 * sibling is shown, as without it.
 */
import type { Row } from "./row.ts";
import { decodeValue, encodeValue, isShareable } from "./value.ts";

/** Makes one value of those of concurrent writes, greatest stamp first. Must be pure. */
export type MergeFunction = (siblings: readonly unknown[]) => unknown;

/** Results may outlive their siblings by so many before they are swept out. */
const SPARE_MAX = 64;

/** What siblings came to. */
export class MergedValue {
  readonly encoded: string;
  #decoded: unknown;

  constructor(encoded: string) {
    this.encoded = encoded;
  }

  /** As a row's: plain data is decoded once, the rest afresh each time. */
  read(): unknown {
    if (this.#decoded !== undefined) return this.#decoded;
    const value = decodeValue(this.encoded);
    if (isShareable(this.encoded)) this.#decoded = value;
    return value;
  }
}

interface Kept {
  /** Origin and seq of each sibling's newest write: what the result was made of. */
  readonly dots: readonly number[];
  readonly value: MergedValue | null;
}

/** The merged values of one table. */
export class MergedValues {
  /** How often the function threw or gave what cannot be stored. */
  errors = 0;
  readonly #merge: MergeFunction;
  readonly #multi: ReadonlySet<string>;
  readonly #kept = new Map<string, Kept>();

  /** `multi` are the keys that have siblings. */
  constructor(merge: MergeFunction, multi: ReadonlySet<string>) {
    this.#merge = merge;
    this.#multi = multi;
  }

  /** The result for siblings of one key; null if there is none. */
  of(rows: readonly Row[]): MergedValue | null {
    const { key } = rows[0] as Row;
    const kept = this.#kept.get(key);
    if (kept !== undefined && isMadeOf(kept, rows)) return kept.value;
    const value = this.#run(rows);
    const dots = rows.flatMap((row) => [row.dotOrigin, row.dotSeq]);
    this.#sweep();
    this.#kept.set(key, { dots, value });
    return value;
  }

  /** A key has no siblings any more. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Keys of which a result is kept. */
  keys(): Iterable<string> {
    return this.#kept.keys();
  }

  #sweep(): void {
    if (this.#kept.size <= 2 * this.#multi.size + SPARE_MAX) return;
    for (const key of this.#kept.keys()) if (!this.#multi.has(key)) this.#kept.delete(key);
  }

  #run(rows: readonly Row[]): MergedValue | null {
    try {
      const merged = this.#merge(rows.map((row) => row.read()));
      return merged === undefined ? null : new MergedValue(encodeValue(merged));
    } catch {
      this.errors++;
      return null;
    }
  }
}

function isMadeOf({ dots }: Kept, rows: readonly Row[]): boolean {
  if (dots.length !== rows.length * 2) return false;
  return rows.every((row, at) => row.dotOrigin === dots[at * 2] && row.dotSeq === dots[at * 2 + 1]);
}
