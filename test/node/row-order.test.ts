/** Where rows are, no stranger can tell: each node has a seed of its own for the hashes of keys. */
import { afterEach, expect, it } from "vitest";
import { startTestCluster, type TestCluster } from "../../src/testing.ts";

let cluster: TestCluster;
afterEach(() => cluster.stop());

it("nodes hold the same rows in different places", async () => {
  cluster = await startTestCluster();
  const [a, b] = cluster.nodes.map((node) => node.table<number>("users"));
  if (a === undefined || b === undefined) throw new Error("no nodes");
  await a.setMany(Array.from({ length: 1000 }, (_, at) => [`user${at}`, at] as const));
  const [ofA, ofB] = [[...a.keys()], [...b.keys()]];
  expect(ofB).not.toEqual(ofA);
  expect([...ofB].sort()).toEqual([...ofA].sort());
});
