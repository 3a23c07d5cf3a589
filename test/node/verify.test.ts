/** `verify` and `repair` on real nodes. What they find is in test/tables/comparison.test.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Node, startNode } from "../../src/index.ts";

let folder = "";
let nodes: Node[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-verify-"));
  nodes = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<Node> {
  const discovery = { file: join(folder, "nodes.txt") };
  const node = await startNode({ cluster: "c", name, discovery });
  nodes.push(node);
  return node;
}

async function pair(): Promise<[Node, Node]> {
  const { writeFileSync } = await import("node:fs");
  const file = join(folder, "nodes.txt");
  writeFileSync(file, "");
  const a = await start("a");
  writeFileSync(file, `${a.address}\n`);
  const b = await start("b");
  await b.ready();
  return [a, b];
}

it("nodes whose rows are the same say so, while rows are written", async () => {
  const [a, b] = await pair();
  const [ours, theirs] = [a, b].map((node) =>
    node.table<{ u: string }, "u">("sessions", {
      ordered: true,
      indexes: { u: (session) => session.u },
    }),
  ) as [ReturnType<typeof a.table<{ u: string }>>, ReturnType<typeof a.table<{ u: string }>>];
  const bag = a.table<string>("tags", { type: "bag", lifetime: "cluster" });
  await ours.setMany(Array.from({ length: 3000 }, (_, at) => [`k${at}`, { u: `u${at % 9}` }]));
  await bag.add("x", "y");
  const writes = Array.from({ length: 200 }, (_, at) => theirs.set(`k${at % 20}`, { u: `${at}` }));
  const found = await b.verify();
  await Promise.all(writes);
  expect(found).toEqual({
    ok: true,
    faults: [],
    peers: [
      { name: "a", origin: a.origin, state: "compared", faults: [], unsure: 0, isPartial: false },
    ],
    mended: 0,
  });
  expect((await bag.verify()).ok).toBe(true);
  expect(await ours.repair()).toMatchObject({ ok: true, mended: 0 });
  expect(a.status().counters.divergences + b.status().counters.divergences).toBe(0);
});

it("a verification ends when the node does", async () => {
  const [a] = await pair();
  const found = a.verify();
  await a.stop();
  expect((await found).ok).toBe(false);
});

it("a node alone has nobody to be compared with, and is in order", async () => {
  const [a, b] = await pair();
  await b.leave();
  const left = await a.verify();
  expect([left.ok, left.peers]).toEqual([true, []]);
});
