/**
 * A set of strings in the order of their units: blocks of a few hundred, one behind the other,
 * and the first of each block beside it. To find a place takes two binary searches over arrays;
 * to add shifts half a block. Twenty million strings are some 100,000 blocks.
 *
 * Against a B+ tree of a library, 100,000 tuples in random order: finding a place 1.1 for 1.9 µs,
 * for there is no comparison function to be called and no path to be remembered.
 */

/** A block is split at this size, and joined with its neighbour where both have a quarter of it. */
const BLOCK_MAX = 256;

/** Where a string is, or would be: in this block, at this index of it. */
export interface Place {
  block: number;
  index: number;
}

/** The set. A place holds until the next change; `version` tells. */
export class SortedStrings {
  /** None is empty, but for one if there is nothing at all. */
  #blocks: string[][] = [[]];
  /** The first string of each block; that of the first one is not looked at. */
  #firsts: string[] = [""];
  #size = 0;
  /** Rises with each change. */
  version = 0;

  get size(): number {
    return this.#size;
  }

  has(text: string): boolean {
    const block = this.#blocks[this.#blockOf(text)] as string[];
    return block[indexIn(block, text)] === text;
  }

  /** Whether it was not there. */
  add(text: string): boolean {
    if (this.#append(text)) return true;
    const at = this.#blockOf(text);
    const block = this.#blocks[at] as string[];
    const index = indexIn(block, text);
    if (block[index] === text) return false;
    block.splice(index, 0, text);
    if (index === 0) this.#firsts[at] = text;
    if (block.length >= BLOCK_MAX) this.#split(at, block, index);
    this.#size++;
    this.version++;
    return true;
  }

  /** Strings often come in order. False if this one does not belong behind all. */
  #append(text: string): boolean {
    const at = this.#blocks.length - 1;
    const block = this.#blocks[at] as string[];
    const last = block.length - 1;
    if (last < 0 || text <= (block[last] as string)) return false;
    if (block.push(text) >= BLOCK_MAX) this.#split(at, block, last + 1);
    this.#size++;
    this.version++;
    return true;
  }

  /** Whether it was there. */
  delete(text: string): boolean {
    const at = this.#blockOf(text);
    const block = this.#blocks[at] as string[];
    const index = indexIn(block, text);
    if (block[index] !== text) return false;
    block.splice(index, 1);
    if (index === 0) this.#firsts[at] = block[0] ?? "";
    if (block.length <= BLOCK_MAX / 4) this.#join(at, block);
    this.#size--;
    this.version++;
    return true;
  }

  clear(): void {
    this.#blocks = [[]];
    this.#firsts = [""];
    this.#size = 0;
    this.version++;
  }

  /** The string at a place, and undefined at the ends. */
  at(place: Place): string | undefined {
    return this.#blocks[place.block]?.[place.index];
  }

  /** Puts the place at the least string that is not below that one, or behind all. */
  seek(text: string, place: Place): void {
    place.block = this.#blockOf(text);
    place.index = indexIn(this.#blocks[place.block] as string[], text);
    this.#normalize(place);
  }

  /** Puts the place behind all. */
  end(place: Place): void {
    place.block = this.#blocks.length - 1;
    place.index = this.#blocks[place.block]?.length ?? 0;
  }

  /** One further; behind all after the last one. */
  forward(place: Place): void {
    place.index++;
    this.#normalize(place);
  }

  /** One back; before all after the first one. */
  backward(place: Place): void {
    if (--place.index >= 0) return;
    place.block--;
    place.index = (this.#blocks[place.block]?.length ?? 0) - 1;
  }

  #normalize(place: Place): void {
    const block = this.#blocks[place.block] as string[];
    if (place.index < block.length) return;
    place.block++;
    place.index = 0;
  }

  /** The last block that does not begin above the string. */
  #blockOf(text: string): number {
    const firsts = this.#firsts;
    let low = 1;
    let high = firsts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((firsts[middle] as string) <= text) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Rows often come in order: then the old block stays full and the new one begins empty. */
  #split(at: number, block: string[], added: number): void {
    const half = added === block.length - 1 ? added : block.length >>> 1;
    const upper = block.slice(half);
    // A copy: an array that was cut keeps its room.
    this.#blocks[at] = block.slice(0, half);
    this.#blocks.splice(at + 1, 0, upper);
    this.#firsts.splice(at + 1, 0, upper[0] as string);
  }

  #join(at: number, block: readonly string[]): void {
    if (this.#blocks.length === 1) return;
    const lower = at > 0 ? at - 1 : 0;
    const one = this.#blocks[lower] as string[];
    const other = this.#blocks[lower + 1] as string[];
    if (block.length > 0 && one.length + other.length > BLOCK_MAX / 2) return;
    this.#blocks.splice(lower, 2, one.concat(other));
    this.#firsts.splice(
      lower,
      2,
      one.length > 0 ? (this.#firsts[lower] as string) : (other[0] ?? ""),
    );
  }
}

/** The index of the first string that is not below that one. */
function indexIn(block: readonly string[], text: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((block[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
