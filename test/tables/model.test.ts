/**
 * Tables against a model: any commands, each given to any of two to five nodes that come and go,
 * leave every node with what a plain Map has, by whatever read one asks.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Key } from "../../src/tables/key.ts";
import type { Table } from "../../src/tables/table.ts";
import { Group, type GroupNode } from "./group.ts";

interface Row {
  readonly u: string;
  readonly n: number;
}

interface Held {
  readonly row: Row;
  readonly owner: number;
  readonly untilMs: number;
}

const KEYS: readonly Key[] = ["a", "ab", "b", ["t", 1], ["t", 2], ["u"], 1, 2n, null, true];
const TTL_MS = 5000;

/** The order of keys, by hand. */
const ORDER: readonly Key[] = [null, true, 1, 2n, "a", "ab", "b", ["t", 1], ["t", 2], ["u"]];

type Command =
  | { readonly kind: "set"; readonly on: number; readonly keys: number[]; readonly u: string }
  | { readonly kind: "patch"; readonly on: number; readonly key: number }
  | { readonly kind: "delete"; readonly on: number; readonly keys: number[] }
  | { readonly kind: "clear" | "end" | "declareAgain"; readonly on: number }
  | { readonly kind: "join" }
  | { readonly kind: "wait"; readonly ms: number };

const on = fc.nat({ max: 9 });
const keys = fc.uniqueArray(fc.nat({ max: KEYS.length - 1 }), { minLength: 1, maxLength: 4 });
const u = fc.constantFrom("x", "y");
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("set" as const), on, keys, u }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("patch" as const),
      on,
      key: fc.nat({ max: KEYS.length - 1 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), on, keys }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("clear" as const, "end" as const, "declareAgain" as const),
      on,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("join" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1000, 3000) }),
  },
);

/** The nodes with the table under test, and the Map that they are held against. */
class Trial {
  readonly #group: Group;
  readonly #model = new Map<Key, Held>();
  readonly #faces = new Map<GroupNode, Table<Row, "u">>();
  readonly #mirrors = new Map<GroupNode, Map<string, Row>>();
  readonly #options: object;
  readonly #hasTtl: boolean;
  readonly #lifetime: "node" | "cluster";
  #nowMs = 0;
  #count = 0;

  constructor(nodes: number, lifetime: "node" | "cluster", hasTtl: boolean) {
    this.#lifetime = lifetime;
    this.#hasTtl = hasTtl;
    const indexes = { u: (row: Row) => row.u };
    this.#options = { lifetime, ordered: true, indexes, ...(hasTtl ? { ttlMs: TTL_MS } : {}) };
    this.#group = new Group(nodes);
    for (const node of this.#group.nodes) this.#declare(node);
  }

  run(command: Command): void {
    switch (command.kind) {
      case "set": {
        const node = this.#node(command.on);
        const row = { u: command.u, n: this.#count++ };
        const entries = command.keys.map((at) => [KEYS[at] as Key, row] as const);
        void this.#face(node).setMany(entries);
        for (const [key] of entries) this.#hold(key, row, node.origin);
        break;
      }
      case "patch":
        this.#patch(this.#node(command.on), KEYS[command.key] as Key);
        break;
      case "delete": {
        const gone = command.keys.map((at) => KEYS[at] as Key);
        void this.#face(this.#node(command.on)).deleteMany(gone);
        for (const key of gone) this.#model.delete(key);
        break;
      }
      case "clear":
        void this.#face(this.#node(command.on)).clear();
        this.#model.clear();
        break;
      case "end":
        this.#end(this.#node(command.on));
        break;
      case "declareAgain": {
        const node = this.#node(command.on);
        node.declared.remove("rows");
        this.#declare(node);
        // What it has written lives from now on.
        for (const [key, { row, owner }] of this.#model) {
          if (owner === node.origin) this.#hold(key, row, owner);
        }
        break;
      }
      case "join":
        if (this.#group.nodes.length < 5) this.#declare(this.#group.join());
        break;
      default:
        this.#wait(command.ms);
    }
    this.#group.settle();
    this.#check();
  }

  #node(at: number): GroupNode {
    return this.#group.nodes[at % this.#group.nodes.length] as GroupNode;
  }

  #face(node: GroupNode): Table<Row, "u"> {
    return this.#faces.get(node) as Table<Row, "u">;
  }

  #declare(node: GroupNode): void {
    const face = node.declared.declare("rows", this.#options) as unknown as Table<Row, "u">;
    this.#faces.set(node, face);
    const mirror = new Map<string, Row>([...face].map(([key, row]) => [name(key), row]));
    this.#mirrors.set(node, mirror);
    face.watch({}, (event) => {
      if (event.type === "missed") throw new Error("missed");
      expect(event.previous).toEqual(mirror.get(name(event.key)));
      if (event.type === "set") mirror.set(name(event.key), event.value);
      else mirror.delete(name(event.key));
    });
  }

  #hold(key: Key, row: Row, owner: number): void {
    const untilMs = this.#hasTtl ? this.#nowMs + TTL_MS : Number.POSITIVE_INFINITY;
    this.#model.set(key, { row, owner, untilMs });
  }

  #patch(node: GroupNode, key: Key): void {
    const n = this.#count++;
    void this.#face(node).patch(key, { n });
    const held = this.#model.get(key);
    if (held !== undefined) this.#model.set(key, { ...held, row: { ...held.row, n } });
  }

  #end(node: GroupNode): void {
    // Rows that outlive their owner and have a time to live are gone at a time of their own.
    if (this.#group.nodes.length < 2 || (this.#hasTtl && this.#lifetime === "cluster")) return;
    this.#group.end(node);
    for (const [key, { owner }] of this.#model) {
      if (owner === node.origin && this.#lifetime === "node") this.#model.delete(key);
    }
  }

  #wait(ms: number): void {
    this.#nowMs += ms;
    this.#group.tick(ms);
    for (const [key, { untilMs }] of this.#model) {
      if (untilMs <= this.#nowMs) this.#model.delete(key);
    }
  }

  #check(): void {
    const rows = ORDER.flatMap((key) => {
      const found = [...this.#model].find(([other]) => name(other) === name(key));
      return found === undefined ? [] : [[key, found[1]] as const];
    });
    const pairs = rows.map(([key, { row }]) => [key, row]);
    for (const node of this.#group.nodes) {
      const face = this.#face(node);
      expect([...face]).toEqual(pairs);
      expect(face.size).toBe(rows.length);
      expect([...face.scan({ prefix: ["t"] })].length).toBe(
        rows.filter(([key]) => Array.isArray(key) && key[0] === "t").length,
      );
      for (const key of KEYS) {
        const row = rows.find(([other]) => name(other) === name(key))?.[1];
        expect(face.get(key)).toEqual(row?.row);
        expect(face.entry(key)?.ownerOrigin).toBe(row?.owner);
      }
      for (const value of ["x", "y"]) {
        const found = [...face.find("u", value)].map(([key]) => name(key)).sort();
        const expected = rows.filter(([, { row }]) => row.u === value).map(([key]) => name(key));
        expect(found).toEqual(expected.sort());
        expect(face.count("u", value)).toBe(expected.length);
      }
      const mirror = this.#mirrors.get(node) as Map<string, Row>;
      expect([...mirror].sort()).toEqual(pairs.map(([key, row]) => [name(key as Key), row]).sort());
    }
  }
}

function name(key: Key): string {
  return Array.isArray(key)
    ? `[${key.map((part) => name(part as Key)).join()}]`
    : `${typeof key} ${key}`;
}

describe("tables", () => {
  it("are what a Map would be, on every node and by every read", () => {
    const lifetime = fc.constantFrom("node" as const, "cluster" as const);
    const commands = fc.array(command, { minLength: 1, maxLength: 25, size: "max" });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), lifetime, fc.boolean(), commands, (...given) => {
        const [nodes, life, hasTtl, list] = given;
        const trial = new Trial(nodes, life, hasTtl);
        for (const one of list) trial.run(one);
      }),
      { numRuns: 60 },
    );
  });
});
