/** Random calls on the archives of two nodes and on plain arrays: what is read is the same. */
import fc from "fast-check";
import { expect } from "vitest";
import { NotFoundError } from "../../../src/errors.ts";
import type { MessageLookup } from "../../../src/persistent/mam/message-archive.ts";
import { microsOf } from "../../../src/persistent/mam/message-ids.ts";
import type { ArchiveOwner, UserMessage } from "../../../src/persistent/mam/messages.ts";
import type { MessageArchives } from "../../../src/persistent/mam/open-archives.ts";
import type { PageRequest } from "../../../src/persistent/mam/paging.ts";

const PAGE_SIZE = 4;
const START = 1_700_000_000_000_000n;

/** A node's archives, and the clock of its ids. */
export interface ModelNode {
  readonly archives: MessageArchives;
  nowUs: bigint;
}

interface Kept extends UserMessage {
  readonly text: string;
}

const remote = fc.constantFrom(
  "bob@b.example",
  "bob@b.example/phone",
  "Bob@b.example/phone",
  "c.example",
);
const word = fc.constantFrom("Hello", "world", "100%", "a_b", "Ärger", "ärger!");
const text = fc.array(word, { maxLength: 3 }).map((words) => words.join(" "));
const optional = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });
/** Stands for the id of the message of this number, or for one that nobody has. */
const which = fc.integer({ min: 0, max: 12 });

const add = fc.record({
  kind: fc.constant("add" as const),
  node: fc.nat({ max: 1 }),
  owner: fc.nat({ max: 1 }),
  stepUs: fc.integer({ min: -30, max: 60 }),
  with: remote,
  direction: fc.constantFrom("in" as const, "out" as const),
  isGroupchat: fc.boolean(),
  originId: optional(fc.constantFrom("o1", "o2")),
  text,
});
const find = fc.record({
  kind: fc.constant("find" as const),
  node: fc.nat({ max: 1 }),
  owner: fc.nat({ max: 1 }),
  startUs: optional(fc.integer({ min: 0, max: 300 })),
  endUs: optional(fc.integer({ min: 0, max: 300 })),
  afterId: fc.option(which, { nil: undefined, freq: 8 }),
  toId: fc.option(which, { nil: undefined, freq: 8 }),
  with: optional(remote),
  includeGroupchat: optional(fc.boolean()),
  text: fc.option(
    text.filter((given) => given !== ""),
    { nil: undefined, freq: 4 },
  ),
  isSimple: fc.boolean(),
  isFlipped: fc.boolean(),
  max: optional(fc.nat({ max: 5 })),
  form: fc.constantFrom("first", "last", "before", "after", "index"),
  at: which,
});
const retract = fc.record({
  kind: fc.constant("retract" as const),
  node: fc.nat({ max: 1 }),
  owner: fc.nat({ max: 1 }),
  with: remote,
  direction: fc.constantFrom("in" as const, "out" as const),
  originId: optional(fc.constantFrom("o1", "o2")),
  at: which,
});
const expire = fc.record({
  kind: fc.constant("expire" as const),
  owner: optional(fc.nat({ max: 1 })),
  beforeUs: fc.integer({ min: 0, max: 120 }),
});
const remove = fc.record({ kind: fc.constant("remove" as const), owner: fc.nat({ max: 1 }) });

const call = fc.oneof(
  { arbitrary: add, weight: 6 },
  { arbitrary: find, weight: 6 },
  { arbitrary: retract, weight: 2 },
  { arbitrary: expire, weight: 1 },
  { arbitrary: remove, weight: 1 },
);
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

let runs = 0;

/** `nodes` have the page size 4 and write into one database. */
export async function archiveModel(nodes: readonly ModelNode[], rounds: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 3, maxLength: 25 }), async (calls) => {
      const server = `model-${++runs}.example`;
      const model = new Model(nodes, [
        { server, name: "ann" },
        { server, name: "Ann" },
      ]);
      for (const each of calls) await model.run(each);
    }),
    { numRuns: rounds },
  );
}

class Model {
  readonly #nodes: readonly ModelNode[];
  readonly #owners: readonly ArchiveOwner[];
  readonly #kept: Kept[][] = [[], []];

  constructor(nodes: readonly ModelNode[], owners: readonly ArchiveOwner[]) {
    this.#nodes = nodes;
    this.#owners = owners;
    for (const node of nodes) node.nowUs = START;
  }

  async run(each: Call): Promise<void> {
    switch (each.kind) {
      case "add":
        return this.#add(each);
      case "find":
        return this.#find(each);
      case "retract":
        return this.#retract(each);
      case "expire":
        return this.#expire(each);
      case "remove": {
        await this.#settle();
        const removed = await this.#archive(0).remove(this.#owner(each.owner), 2);
        expect(removed).toBe(this.#of(each.owner).splice(0).length);
      }
    }
  }

  async #add(each: Extract<Call, { kind: "add" }>): Promise<void> {
    const node = this.#nodes[each.node];
    if (node !== undefined) node.nowUs += BigInt(each.stepUs);
    const { originId } = each;
    const message = {
      with: each.with,
      from: each.direction === "in" ? each.with : "ann@a.example",
      direction: each.direction,
      isGroupchat: each.isGroupchat,
      packet: `<message>${each.text}\r\n😀</message>`,
    };
    const id = await this.#archive(each.node).add(this.#owner(each.owner), {
      ...message,
      text: each.text,
      ...(originId === undefined ? {} : { originId }),
    });
    const kept = this.#of(each.owner);
    kept.push({
      ...message,
      id,
      at: microsOf(id),
      originId,
      retractedAt: undefined,
      text: each.text,
    });
    kept.sort((left, right) => (left.id < right.id ? -1 : 1));
  }

  async #find(each: Extract<Call, { kind: "find" }>): Promise<void> {
    await this.#settle();
    const kept = this.#of(each.owner);
    const idOf = (at: number) => kept[at]?.id ?? 99n;
    const forms: Record<string, PageRequest> = {
      first: {},
      last: { before: "end" },
      before: { before: idOf(each.at) },
      after: { after: idOf(each.at) },
      index: { index: each.at },
    };
    const page: PageRequest = {
      ...forms[each.form],
      ...(each.max === undefined ? {} : { max: each.max }),
    };
    const lookup: MessageLookup = {
      page,
      ...(each.startUs === undefined ? {} : { start: START + BigInt(each.startUs) }),
      ...(each.endUs === undefined ? {} : { end: START + BigInt(each.endUs) }),
      ...(each.afterId === undefined ? {} : { afterId: idOf(each.afterId) }),
      ...(each.toId === undefined ? {} : { toId: idOf(each.toId) }),
      ...(each.with === undefined ? {} : { with: each.with }),
      ...(each.includeGroupchat === undefined ? {} : { includeGroupchat: each.includeGroupchat }),
      ...(each.text === undefined ? {} : { text: each.text }),
      isSimple: each.isSimple,
      isFlipped: each.isFlipped,
    };
    const expected = pageOf(kept, lookup);
    const found = this.#archive(each.node).find(this.#owner(each.owner), lookup);
    if (expected === undefined) await expect(found).rejects.toThrow(NotFoundError);
    else expect(await found).toEqual(expected);
  }

  async #retract(each: Extract<Call, { kind: "retract" }>): Promise<void> {
    await this.#settle();
    const kept = this.#of(each.owner);
    const bare = each.with.split("/")[0];
    const { originId } = each;
    const id = kept[each.at]?.id ?? 99n;
    const at = kept.findLastIndex((message) => {
      const isMeant = originId === undefined ? message.id === id : message.originId === originId;
      return isMeant && message.with.split("/")[0] === bare && message.direction === each.direction;
    });
    const target = kept[at];
    const author = { with: each.with, direction: each.direction };
    const given = await this.#archive(each.node).retract(
      this.#owner(each.owner),
      originId === undefined ? { ...author, id } : { ...author, originId },
      (original) => `gone ${original.id}`,
    );
    expect(given).toBe(target?.id);
    if (target === undefined || target.retractedAt !== undefined) return;
    const retractedAt = this.#nodes[each.node]?.nowUs ?? 0n;
    kept[at] = { ...target, text: "", packet: `gone ${target.id}`, retractedAt };
  }

  async #expire(each: Extract<Call, { kind: "expire" }>): Promise<void> {
    await this.#settle();
    const before = START + BigInt(each.beforeUs);
    for (const owner of [0, 1]) {
      if (each.owner !== undefined && each.owner !== owner) continue;
      const kept = this.#of(owner);
      const old = kept.filter(({ at }) => at < before);
      const removed = await this.#archive(1).expire(before, this.#owner(owner), 2);
      expect(removed).toBe(old.length);
      this.#kept[owner] = kept.filter(({ at }) => at >= before);
    }
  }

  /** What one node wrote, the other one reads only when it is written. */
  async #settle(): Promise<void> {
    for (const { archives } of this.#nodes) await archives.users.sync();
  }

  #archive(node: number) {
    const found = this.#nodes[node]?.archives.users;
    if (found === undefined) throw new TypeError("no such node");
    return found;
  }

  #owner(owner: number): ArchiveOwner {
    return this.#owners[owner] ?? { server: "none", name: "none" };
  }

  #of(owner: number): Kept[] {
    return this.#kept[owner] ?? [];
  }
}

/** A page by definition; undefined if it names what is not there. */
function pageOf(kept: readonly Kept[], lookup: MessageLookup) {
  const { page = {}, afterId } = lookup;
  for (const needed of [page.before, page.after, afterId]) {
    if (typeof needed === "bigint" && !kept.some(({ id }) => id === needed)) return undefined;
  }
  const all = kept.filter((message) => isSelected(message, lookup));
  const max = Math.min(page.max ?? PAGE_SIZE, PAGE_SIZE);
  let from = page.index ?? 0;
  let isComplete = all.length - from <= max;
  let to = from + max;
  if (page.before !== undefined) {
    const { before } = page;
    to = before === "end" ? all.length : all.filter(({ id }) => id < before).length;
    from = Math.max(0, to - max);
    isComplete = from === 0;
  } else if (page.after !== undefined) {
    const { after } = page;
    from = all.filter(({ id }) => id <= after).length;
    to = from + max;
    isComplete = to >= all.length;
  }
  const messages = all.slice(from, to).map(({ text: _, ...message }) => message);
  if (lookup.isFlipped === true) messages.reverse();
  const isCounted = lookup.isSimple !== true;
  return {
    messages,
    isComplete,
    total: isCounted ? all.length : undefined,
    offset: isCounted && messages.length > 0 ? from : undefined,
  };
}

function isSelected(message: Kept, lookup: MessageLookup): boolean {
  const { start, end, afterId, toId, includeGroupchat } = lookup;
  if (start !== undefined && message.at < start) return false;
  if (end !== undefined && message.at > end) return false;
  if (afterId !== undefined && message.id <= afterId) return false;
  if (toId !== undefined && message.id > toId) return false;
  if (includeGroupchat === false && message.isGroupchat) return false;
  if (lookup.with !== undefined) {
    const isFull = lookup.with.includes("/");
    const bare = message.with.split("/")[0];
    if ((isFull ? message.with : bare) !== lookup.with) return false;
  }
  if (lookup.text === undefined) return true;
  const words = lookup.text.toLowerCase().match(/[a-z0-9ä]+/g) ?? [];
  const body = (message.text.toLowerCase().match(/[a-z0-9ä]+/g) ?? []).join(" ");
  return words.every((each) => body.includes(each));
}
