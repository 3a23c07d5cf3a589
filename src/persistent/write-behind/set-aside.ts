/** Items that were given up for the time being: kept, counted, and handed out on request. */

/** One of them, and why. */
export interface SetAsideItem<T> {
  readonly item: T;
  readonly error: unknown;
}

/** The same with what the queue must know of it. */
export interface KeptItem<T> extends SetAsideItem<T> {
  readonly group: string;
  readonly bytes: number;
}

/** See the head of this file. */
export class SetAside<T> {
  readonly #limits: { readonly items: number; readonly bytes: number };
  #kept: KeptItem<T>[] = [];
  #bytes = 0;

  constructor(limits: { readonly items: number; readonly bytes: number }) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#kept.length;
  }

  /** Those of a group, or all, the oldest first. */
  list(group?: string): readonly KeptItem<T>[] {
    return group === undefined
      ? [...this.#kept]
      : this.#kept.filter((each) => each.group === group);
  }

  /** False: there is no room. */
  put(item: KeptItem<T>): boolean {
    const { items, bytes } = this.#limits;
    if (this.#kept.length >= items || this.#bytes + item.bytes > bytes) return false;
    this.#kept.push(item);
    this.#bytes += item.bytes;
    return true;
  }

  /** Forgets one; false if it is not there any more. */
  remove(item: KeptItem<T>): boolean {
    if (!this.#kept.includes(item)) return false;
    this.#kept = this.#kept.filter((each) => each !== item);
    this.#bytes -= item.bytes;
    return true;
  }
}
