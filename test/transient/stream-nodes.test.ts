/** Stream management on real nodes over loopback sockets. */
import { describe, expect, it } from "vitest";
import type { Node } from "../../src/index.ts";
import { openStreams, type Resumption, type Streams } from "../../src/transient.ts";
import { startedNodes } from "../node/started-nodes.ts";
import { until } from "../node/until.ts";

const nodes = startedNodes();

/** Each stream holds ten stanzas, named after it. */
function open(node: Node): Streams<string> {
  return openStreams<string>(node, {
    onHandOver: ({ resumeId }, { acknowledged }) => ({
      received: 5,
      stanzas: Array.from({ length: 10 }, (_, at) => `${resumeId} ${at}`).slice(acknowledged),
    }),
  });
}

describe("streams on three nodes", () => {
  it("have one winner each, though two other nodes resume them at once", async () => {
    const all = (await nodes.startAll("a", "b", "c")) as [Node, Node, Node];
    const [a, b, c] = all.map(open) as [Streams<string>, Streams<string>, Streams<string>];
    const made = Array.from({ length: 40 }, (_, at) =>
      a.register(["example.com", `user${at}`, "phone"]),
    );
    await Promise.all(made.map(({ written }) => written));
    const asked = made.map(({ resumeId }) =>
      Promise.all([b, c].map((one) => one.resume(resumeId, { acknowledged: 4 }))),
    );
    for (const [at, pair] of (await Promise.all(asked)).entries()) {
      const outcomes = pair.map(({ outcome }) => outcome).sort();
      expect(outcomes).toEqual(["resumed", "taken"]);
      const won = pair.find(isResumed);
      const { resumeId } = made[at] as { resumeId: string };
      expect(won?.stanzas).toEqual([4, 5, 6, 7, 8, 9].map((n) => `${resumeId} ${n}`));
      expect(won?.received).toBe(5);
    }
    await until(() => made.every(({ state }) => state === "handedOver"));
    const rest = all.flatMap((node) => [
      node.table<unknown>("streams.requests"),
      node.table<unknown>("streams.answers"),
    ]);
    await until(() => rest.every((table) => table.info().rows === 0));
    expect([a.size, b.size, c.size]).toEqual([40, 40, 40]);
  });

  it("are gone with their node, but what was kept of an ended one stays", async () => {
    const [one, other] = (await nodes.startAll("a", "b")) as [Node, Node];
    const [a, b] = [open(one), open(other)];
    const lost = a.register(["example.com", "ann", "phone"]);
    const ended = a.register(["example.com", "bob", "phone"]);
    await a.end(ended, 42);
    expect(b.lookup(lost.resumeId)?.node).toBe("a");
    await one.leave();
    await until(() => b.lookup(lost.resumeId) === undefined);
    const request = { acknowledged: 0 };
    expect(await b.resume(lost.resumeId, request)).toEqual({ outcome: "unknown" });
    expect(await b.resume(ended.resumeId, request)).toEqual({ outcome: "stale", received: 42 });
  });
});

function isResumed(
  resumption: Resumption<string>,
): resumption is Extract<Resumption<string>, { outcome: "resumed" }> {
  return resumption.outcome === "resumed";
}
