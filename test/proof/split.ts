/** A row is deleted on one side of a split and another changed on the other side; then it heals. */
import { FaultNetwork } from "../chaos/fault-network.ts";
import type { NodeGroup } from "../chaos/node-group.ts";
import type { Claims } from "../processes/claims.ts";
import { WHOLE_LIMIT_MS, whole, withNodes } from "./started.ts";

const TABLE = "registry";
const row = (n: number) => ({ user: "x", n, filling: "" });

export async function deleteDuringSplit(folder: string, claims: Claims): Promise<void> {
  const network = new FaultNetwork();
  await withNodes({ folder, size: 2, network }, async (nodes) => {
    await nodes.start();
    await whole(nodes);
    const [one, other] = nodes.all();
    if (one === undefined || other === undefined) throw new Error("two nodes are needed");
    await one.ask({ kind: "set", table: TABLE, key: "a", value: row(1) });
    await one.ask({ kind: "set", table: TABLE, key: "b", value: row(1) });
    const ends = [network.link("node1", "node2"), network.link("node2", "node1")].map((link) =>
      link.cut(),
    );
    await nodes.until("both are alone", WHOLE_LIMIT_MS, async () =>
      (await nodes.facts()).every((one) => one.joined.length === 1),
    );
    await one.ask({ kind: "delete", table: TABLE, key: "a" });
    await other.ask({ kind: "set", table: TABLE, key: "b", value: row(2) });
    for (const end of ends) end();
    await whole(nodes);
    await nodes.until("both hold the same", WHOLE_LIMIT_MS, async () => {
      const [a, b] = await held(nodes);
      return a === b;
    });
    const [a, b] = await held(nodes);
    claims.check(
      "a row that is deleted during a split stays deleted, and a changed one changed",
      a === "a: gone, b: 2" && b === a,
      `${a} on one node and ${b} on the other ` +
        "(CETS: a: 1, b: 2 and a: 1, b: 1; the deleted row came back)",
    );
  });
}

function held(nodes: NodeGroup): Promise<string[]> {
  return Promise.all(
    nodes.all().map(async (child) => {
      const texts = [];
      for (const key of ["a", "b"]) {
        const value = await child.ask({ kind: "get", table: TABLE, key });
        texts.push(`${key}: ${value === null ? "gone" : nOf(value)}`);
      }
      return texts.join(", ");
    }),
  );
}

function nOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "n" in value ? value.n : value;
}
