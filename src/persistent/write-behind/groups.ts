/** Counts what is under way for each group, and tells when all that was there has gone. */

interface Group {
  entered: number;
  left: number;
  /** Left out of their turn, and not gone yet. */
  held: number;
  /** In the order of what they wait for. */
  readonly waiters: { readonly until: number; readonly resolve: () => void }[];
}

/** How the counts of a group change. */
type Step = Pick<Group, "left" | "held">;
const LEAVE: Step = { left: 1, held: 0 };
const HOLD: Step = { left: 1, held: 1 };
const RELEASE: Step = { left: 0, held: -1 };

/** Items of a group leave in the order in which they entered, but for those that are held. */
export class Groups {
  readonly #groups = new Map<string, Group>();
  readonly #all: Group = { entered: 0, left: 0, held: 0, waiters: [] };

  enter(name: string): void {
    const group = this.#groups.get(name);
    if (group === undefined) {
      this.#groups.set(name, { entered: 1, left: 0, held: 0, waiters: [] });
    } else group.entered++;
    this.#all.entered++;
  }

  leave(name: string): void {
    this.#move(name, LEAVE);
  }

  /** Those behind it may leave before it, and who waits for the group waits for it too. */
  hold(name: string): void {
    this.#move(name, HOLD);
  }

  /** One that was held has gone. */
  release(name: string): void {
    this.#move(name, RELEASE);
  }

  /** Resolves when all that is there now has left; undefined if nothing is. */
  settled(name?: string): Promise<void> | undefined {
    const group = name === undefined ? this.#all : this.#groups.get(name);
    if (group === undefined || isEmpty(group)) return undefined;
    return new Promise((resolve) => {
      group.waiters.push({ until: group.entered, resolve });
    });
  }

  #move(name: string, step: Step): void {
    const group = this.#groups.get(name);
    if (group !== undefined) {
      move(group, step);
      if (isEmpty(group)) this.#groups.delete(name);
    }
    move(this.#all, step);
  }
}

function isEmpty({ entered, left, held }: Group): boolean {
  return left === entered && held === 0;
}

function move(group: Group, { left, held }: Step): void {
  group.left += left;
  group.held += held;
  if (group.held > 0) return;
  while (group.waiters[0] !== undefined && group.waiters[0].until <= group.left) {
    group.waiters.shift()?.resolve();
  }
}
