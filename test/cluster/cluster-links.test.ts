import { describe, expect, it } from "vitest";
import { Mesh } from "./mesh.ts";

describe("links", () => {
  it("two nodes of which one knows the other link, and both announce it once", async () => {
    const mesh = new Mesh();
    const a = await mesh.add("a");
    const b = await mesh.add("b");
    a.cluster.setTargets([b.address]);
    mesh.clock.advance(10);
    expect(a.events).toEqual(["memberUp b", "linkUp b"]);
    expect(b.events).toEqual(["memberUp a", "linkUp a"]);
  });
});
