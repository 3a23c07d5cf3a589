/**
 * A set of origin ids kept as ascending, disjoint ranges: ids from a database counter are dense,
 * so that the retired ones of years are a few ranges.
 */

/** From and to, both included. */
export type IdRange = readonly [from: number, to: number];

/** The set. */
export class IdRanges {
  #ranges: IdRange[] = [];

  get size(): number {
    return this.#ranges.length;
  }

  has(id: number): boolean {
    let low = 0;
    let high = this.#ranges.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const [from, to] = this.#ranges[middle] as IdRange;
      if (id < from) high = middle - 1;
      else if (id > to) low = middle + 1;
      else return true;
    }
    return false;
  }

  /** Adds all ids of a range. Returns whether any was new. */
  add(from: number, to: number): boolean {
    let start = from;
    let end = to;
    const kept: IdRange[] = [];
    let inserted = false;
    for (const range of this.#ranges) {
      if (range[0] <= from && to <= range[1]) return false;
      if (range[1] + 1 < start) kept.push(range);
      else if (end + 1 < range[0]) {
        if (!inserted) kept.push([start, end]);
        inserted = true;
        kept.push(range);
      } else {
        start = Math.min(start, range[0]);
        end = Math.max(end, range[1]);
      }
    }
    if (!inserted) kept.push([start, end]);
    this.#ranges = kept;
    return true;
  }

  /**
   * While there are more than `most` ranges, joins the two oldest with none of `apart` between.
   * Ids made from a clock are never dense: without this each restart would be a range for ever.
   */
  joinOldest(most: number, apart: readonly number[]): void {
    // A list that was given out stays as it was.
    const ranges = [...this.#ranges];
    for (let at = 0; ranges.length > most && at + 1 < ranges.length; ) {
      const [from, end] = ranges[at] as IdRange;
      const [start, to] = ranges[at + 1] as IdRange;
      if (apart.some((id) => end < id && id < start)) at++;
      else ranges.splice(at, 2, [from, to]);
    }
    this.#ranges = ranges;
  }

  /** Whether every id of `other` is in this set. */
  includes(other: readonly IdRange[]): boolean {
    return other.every(([from, to]) =>
      this.#ranges.some((range) => range[0] <= from && to <= range[1]),
    );
  }

  equals(other: readonly IdRange[]): boolean {
    return (
      other.length === this.#ranges.length &&
      other.every(([from, to], at) => {
        const range = this.#ranges[at] as IdRange;
        return range[0] === from && range[1] === to;
      })
    );
  }

  list(): readonly IdRange[] {
    return this.#ranges;
  }
}
