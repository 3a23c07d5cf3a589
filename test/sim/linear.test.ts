/** The checker of histories finds what is wrong, and nothing in what is right. */
import { describe, expect, it } from "vitest";
import { checkLinear, historyUpTo, type LinearAction, type LinearCall } from "./linear.ts";

let client = 0;
function call(
  [begun, ended]: readonly [number, number | null],
  action: LinearAction,
  result: LinearCall["result"] = null,
): LinearCall {
  return { client: `c${client++}`, begun, ended, action, result };
}
const insert = (value: string): LinearAction => ({ kind: "insert", value });
const set = (value: string | null): LinearAction => ({ kind: "set", value });
const replace = (expected: string, value: string): LinearAction => {
  return { kind: "replace", expected, value };
};
const won = { wrote: true };
const lost = { wrote: false };

describe("histories that are right", () => {
  it("an empty one, and one insert", () => {
    expect(checkLinear([])).toBe("linearizable");
    expect(checkLinear([call([1, 2], insert("a"), won)])).toBe("linearizable");
  });

  it("two at the same time of which one wins, in either order", () => {
    for (const [a, b] of [
      [won, lost],
      [lost, won],
    ]) {
      const history = [call([1, 5], insert("a"), a ?? null), call([2, 6], insert("b"), b ?? null)];
      expect(checkLinear(history)).toBe("linearizable");
    }
  });

  it("an open call that took effect late", () => {
    const history = [
      call([1, null], insert("a")),
      call([2, 3], set("b"), { before: null }),
      call([4, 5], set(null), { before: "b" }),
      call([6, 7], insert("c"), { wrote: false, before: "a" }),
    ];
    expect(checkLinear(history)).toBe("linearizable");
  });

  it("an open call that never took effect", () => {
    const history = [
      call([1, null], insert("a")),
      call([2, 3], insert("b"), won),
      call([4, 5], insert("c"), { wrote: false, before: "b" }),
    ];
    expect(checkLinear(history)).toBe("linearizable");
  });

  it("replacing what was read, once", () => {
    const history = [
      call([1, 2], insert("a"), won),
      call([3, 6], replace("a", "b"), won),
      call([4, 7], replace("a", "c"), lost),
      call([8, 9], set(null), { before: "b" }),
    ];
    expect(checkLinear(history)).toBe("linearizable");
  });
});

describe("histories that are wrong", () => {
  it("two winners", () => {
    const history = [call([1, 4], insert("a"), won), call([2, 5], insert("b"), won)];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("a loser before there was anything", () => {
    const history = [call([1, 2], insert("a"), lost), call([3, 4], insert("b"), won)];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("a value that nobody wrote", () => {
    const history = [
      call([1, 2], set("a"), { before: null }),
      call([3, 4], set("b"), { before: "x" }),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("a value that comes back after another was seen", () => {
    const history = [
      call([1, 2], insert("a"), won),
      call([3, 4], set("b"), { before: "a" }),
      call([5, 6], set("c"), { before: "a" }),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("two that replaced the same version", () => {
    const history = [
      call([1, 2], insert("a"), won),
      call([3, 6], replace("a", "b"), won),
      call([4, 7], replace("a", "c"), won),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("an open call that took effect before it began", () => {
    const history = [
      call([1, 2], insert("b"), { wrote: false, before: "a" }),
      call([3, null], insert("a")),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
  });

  it("an open insert that ends up over a row", () => {
    const history = [
      call([1, null], insert("a")),
      call([2, 3], insert("b"), won),
      call([4, 5], insert("c"), { wrote: false, before: "a" }),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
  });
});

describe("a history up to a moment", () => {
  it("leaves out what had not begun and opens what had not ended", () => {
    const history = [
      call([1, 4], insert("a"), won),
      call([2, 9], insert("b"), won),
      call([8, 9], insert("c"), won),
    ];
    expect(checkLinear(history)).toBe("not linearizable");
    const cut = historyUpTo(history, 5);
    expect(cut.map(({ ended }) => ended)).toEqual([4, null]);
    expect(checkLinear(cut)).toBe("linearizable");
  });
});
