/** Nodes as a user starts them: real sockets, a discovery table in a SQLite file. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Node, startNode } from "../../src/index.ts";
import { until } from "./until.ts";

interface Session {
  readonly user: string;
  readonly status: string;
}

let folder = "";
let nodes: Node[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-node-"));
  nodes = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function start(name: string): Promise<Node> {
  const node = await startNode({
    cluster: "chat",
    name,
    discovery: { url: `sqlite:${join(folder, "nodes.db")}` },
  });
  nodes.push(node);
  return node;
}

function sessionsOf(node: Node) {
  return node.table<Session, "user">("sessions", {
    ordered: true,
    indexes: { user: (session) => session.user },
  });
}

describe("startNode", () => {
  it("finds the others through the table and shares every row with them", async () => {
    const [a, b, c] = (await Promise.all(["a", "b", "c"].map(start))) as [Node, Node, Node];
    const tables = [a, b, c].map(sessionsOf);
    const [first, second, third] = tables as [
      ReturnType<typeof sessionsOf>,
      ReturnType<typeof sessionsOf>,
      ReturnType<typeof sessionsOf>,
    ];
    await Promise.all([a, b, c].map((node) => node.ready()));
    await until(() => [a, b, c].every((node) => node.status().joinedNodes.length === 3));
    const key = ["example.com", "alice", "phone"];
    const result = await first.set(key, { user: "alice", status: "online" });
    expect(result).toEqual({ nodes: 2, catchingUp: [], alone: false, applied: true });
    expect(second.get(key)).toEqual({ user: "alice", status: "online" });
    expect([...third.find("user", "alice")]).toEqual([[key, { user: "alice", status: "online" }]]);
    await second.patch(key, { status: "away" });
    expect(first.get(key)?.status).toBe("away");
    expect(third.entry(key)?.owner).toBe("a");
    await third.delete(key);
    expect([first, second, third].map((table) => table.size)).toEqual([0, 0, 0]);
  });

  it("drops the rows of a node that leaves, and fills one that comes later", async () => {
    const a = await start("a");
    const b = await start("b");
    await Promise.all([a.ready(), b.ready()]);
    await until(() => a.status().joinedNodes.length === 2);
    await sessionsOf(a).set("mine", { user: "ann", status: "online" });
    await sessionsOf(b).set("yours", { user: "bob", status: "online" });
    await a.leave();
    await until(() => sessionsOf(b).size === 1);
    const c = await start("c");
    await c.ready();
    expect(sessionsOf(c).get("yours")?.user).toBe("bob");
    expect(sessionsOf(c).has("mine")).toBe(false);
  });
});
