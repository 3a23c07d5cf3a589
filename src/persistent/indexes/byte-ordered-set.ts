/**
 * A set of texts that can be listed in the order of their bytes. Additions wait unsorted until
 * somebody lists; what was deleted stays in the sorted list until half of it is dead.
 */
import { compareBytes } from "../contract/byte-order.ts";

/** Cheap to change, cheap to page through. */
export class ByteOrderedSet {
  readonly #members = new Set<string>();
  #sorted: string[] = [];
  #added: string[] = [];

  get size(): number {
    return this.#members.size;
  }

  has(text: string): boolean {
    return this.#members.has(text);
  }

  add(text: string): void {
    if (this.#members.has(text)) return;
    this.#members.add(text);
    this.#added.push(text);
  }

  delete(text: string): void {
    this.#members.delete(text);
  }

  /** Members behind `after` (undefined: all), in order, at most `limit`, that `wanted` takes. */
  page(
    after: string | undefined,
    limit: number,
    wanted: (text: string) => boolean = () => true,
  ): string[] {
    this.#sort();
    const found: string[] = [];
    for (let at = this.#indexBehind(after); at < this.#sorted.length; at++) {
      if (found.length === limit) break;
      const text = this.#sorted[at];
      if (text !== undefined && this.#members.has(text) && wanted(text)) found.push(text);
    }
    return found;
  }

  #sort(): void {
    const isHalfDead = this.#sorted.length > 2 * this.#members.size + 16;
    if (this.#added.length === 0 && !isHalfDead) return;
    // A text that was deleted and came again is in both lists, or twice in the second.
    const all = new Set(this.#sorted.filter((text) => this.#members.has(text)));
    for (const text of this.#added) if (this.#members.has(text)) all.add(text);
    this.#added = [];
    // The sort of the engine finds the run that is in order already.
    this.#sorted = [...all].sort(compareBytes);
  }

  #indexBehind(after: string | undefined): number {
    if (after === undefined) return 0;
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.#sorted[middle] ?? "", after) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
