/** Nodes of one test: started together with a folder of their own, and gone when it ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { type Node, type NodeOptions, startNode, type Table } from "../../src/index.ts";
import { until } from "./until.ts";

/** What a test does not have to say about a node. */
export type NodeWish = Partial<NodeOptions> & { readonly name: string };

export interface StartedNodes {
  /** Made afresh for each test. */
  readonly folder: string;
  /** A discovery table that the nodes of one test share. */
  readonly url: string;
  start(wish: NodeWish): Promise<Node>;
  /** Starts nodes of these names and waits until they are one cluster. */
  startAll(...names: readonly string[]): Promise<Node[]>;
}

/** To be called once in a test file or a group. */
export function startedNodes(): StartedNodes {
  let folder = "";
  let nodes: Node[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skein-nodes-"));
    nodes = [];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  });
  const started: StartedNodes = {
    get folder() {
      return folder;
    },
    get url() {
      return `sqlite:${join(folder, "nodes.db")}`;
    },
    async start(wish) {
      const node = await startNode({ cluster: "chat", discovery: { url: started.url }, ...wish });
      nodes.push(node);
      return node;
    },
    async startAll(...names) {
      const all = await Promise.all(names.map((name) => started.start({ name })));
      await joined(all);
      return all;
    },
  };
  return started;
}

/** Waits until these nodes, and no others, share their rows. */
export function joined(nodes: readonly Node[]): Promise<void> {
  const names = nodes.map((node) => node.name).sort();
  return until(() => nodes.every((node) => equal(node.status().joinedNodes, names)));
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, at) => one === b[at]);
}

/** The same table on each node. */
export function tablesOf(nodes: readonly Node[], name = "checked"): Table<unknown>[] {
  return nodes.map((node) => node.table<unknown>(name));
}

/** Proves that each of the nodes can write, and that all others apply it. */
export async function expectShared(nodes: readonly Node[], key: string): Promise<void> {
  const tables = tablesOf(nodes);
  for (const [at, table] of tables.entries()) {
    const result = await table.set([key, at], at);
    expect(result).toMatchObject({ nodes: nodes.length - 1, catchingUp: [], applied: true });
    for (const other of tables) expect(other.get([key, at])).toBe(at);
  }
}
