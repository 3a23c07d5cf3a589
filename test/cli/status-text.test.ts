import { describe, expect, it } from "vitest";
import { renderStatus } from "../../src/cli/status-text.ts";
import { paintFor } from "../../src/cli/text.ts";

const plain = paintFor({}, {});
const render = (status: unknown, phase = "ready") => renderStatus(status, phase, plain).join("\n");

const status = {
  name: "a",
  cluster: "chat",
  origin: 7,
  uptimeMs: 65_000,
  address: "ws://10.0.0.1:7400",
  discoveryWorks: true,
  discoveredNodes: ["a", "b"],
  links: [{ name: "b", origin: 8, roundTripMs: 0.5, bufferedBytes: 0 }],
  tables: [{ name: "sessions", type: "set", lifetime: "node", size: 3_000, digest: "0f" }],
  conflictTables: [],
};

describe("the picture of a status", () => {
  it("shows the node, its links and its tables", () => {
    const picture = render(status);
    expect(picture).toMatch(/node a of chat: ready, up 1 m 5 s/);
    expect(picture).toMatch(/discovery +works/);
    expect(picture).toMatch(/ b +8 +0\.50 ms +0/);
    expect(picture).toMatch(/sessions +set +node +3,000 +0f/);
  });

  it("shows where the stores are, and which of them forget", () => {
    const stores = [
      { connection: "main", adapter: "sql" },
      { connection: "memory", adapter: "memory" },
    ];
    expect(render({ ...status, stores })).toMatch(/stores +main \(sql\), memory: lost at the end/);
    expect(render({ ...status, stores: [] })).not.toMatch(/stores/);
  });

  it("names what is wrong, and nothing when nothing is", () => {
    expect(render(status)).not.toMatch(/To look at/);
    const picture = render({ ...status, conflictTables: ["sessions"], unavailableNodes: ["c"] });
    expect(picture).toMatch(/declared in different ways: sessions/);
    expect(picture).toMatch(/out of reach: c/);
    const paused = [{ tables: ["names", "posts"], text: "this node sees 1 of 3 members" }];
    expect(render({ ...status, paused })).toMatch(
      /writes are refused: names, posts \(this node sees 1 of 3 members\)/,
    );
  });

  it("survives an answer of another version", () => {
    for (const odd of [null, 7, "x", [], { links: 3, tables: [null, 1], uptimeMs: "long" }]) {
      expect(render(odd, "starting")).toMatch(/starting/);
    }
  });

  it("lets no text of the node steer the terminal", () => {
    const evil = "b\u001b[2J";
    const picture = render({ ...status, name: evil, tables: [{ name: evil }], address: evil });
    expect(picture).not.toContain("\u001b");
  });
});
