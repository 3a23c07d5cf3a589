import { pack } from "msgpackr";
import { describe, expect, it } from "vitest";
import { keyAt, sessionAt, userAt } from "../../src/cli/demo/sessions.ts";

describe("the sessions of the demonstration", () => {
  it("are of realistic size, about 190 bytes", () => {
    for (const at of [0, 1, 42, 2_999]) {
      const bytes = pack(sessionAt("a", at, 1_000_000)).length;
      expect(bytes).toBeGreaterThan(170);
      expect(bytes).toBeLessThan(230);
    }
  });

  it("have a key of their own each, on every node", () => {
    const keys = ["a", "b"].flatMap((node) =>
      Array.from({ length: 500 }, (_, at) => JSON.stringify(keyAt(node, at))),
    );
    expect(new Set(keys).size).toBe(1_000);
  });

  it("belong to the same users on every node", () => {
    expect(keyAt("a", 7)[1]).toBe(keyAt("b", 7)[1]);
    expect(sessionAt("b", 7, 0).user).toBe(userAt(7));
  });

  it("change with the round", () => {
    expect(sessionAt("a", 7, 1)).not.toEqual(sessionAt("a", 7, 2));
    expect(sessionAt("a", 7, 1)).toEqual(sessionAt("a", 7, 1));
  });
});
