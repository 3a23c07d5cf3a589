/** Counts what is under way for each group, and tells when all that was there has gone. */

interface Group {
  entered: number;
  left: number;
  /** In the order of what they wait for. */
  readonly waiters: { readonly until: number; readonly resolve: () => void }[];
}

/** Items of a group leave in the order in which they entered. */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #all: Group = { entered: 0, left: 0, waiters: [] };

  enter(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, { entered: 1, left: 0, waiters: [] });
    else group.entered++;
    this.#all.entered++;
  }

  leave(name: string): void {
    const group = this.#groups.get(name);
    if (group !== undefined) {
      step(group);
      if (group.left === group.entered) this.#groups.delete(name);
    }
    step(this.#all);
  }

  /** Resolves when all that is there now has left; undefined if nothing is. */
  settled(name?: string): Promise<void> | undefined {
    const group = name === undefined ? this.#all : this.#groups.get(name);
    if (group === undefined || group.left === group.entered) return undefined;
    return new Promise((resolve) => {
      group.waiters.push({ until: group.entered, resolve });
    });
  }
}

function step(group: Group): void {
  group.left++;
  while (group.waiters[0] !== undefined && group.waiters[0].until <= group.left) {
    group.waiters.shift()?.resolve();
  }
}
