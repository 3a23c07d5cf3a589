import { describe, expect, it } from "vitest";
import {
  clip,
  columns,
  count,
  duration,
  paintFor,
  printable,
  sentenceList,
  width,
} from "../../src/cli/text.ts";

describe("colours", () => {
  it("are written on a terminal and nowhere else", () => {
    expect(paintFor({ isTTY: true }, {}).red("x")).toBe("\u001b[31mx\u001b[39m");
    expect(paintFor({}, {}).red("x")).toBe("x");
  });

  it("are left out where NO_COLOR or a dumb terminal asks for it", () => {
    expect(paintFor({ isTTY: true }, { NO_COLOR: "1" }).red("x")).toBe("x");
    expect(paintFor({ isTTY: true }, { TERM: "dumb" }).red("x")).toBe("x");
    expect(paintFor({ isTTY: true }, { NO_COLOR: "" }).red("x")).not.toBe("x");
  });

  it("do not count as width", () => {
    expect(width(paintFor({ isTTY: true }, {}).bold("four"))).toBe(4);
  });
});

describe("text for people", () => {
  it("lines up in columns, numbers to the right", () => {
    const rows = [
      ["a", "1", "x"],
      ["long", "1,000", "y"],
    ];
    expect(columns(rows, [1])).toEqual(["a         1  x", "long  1,000  y"]);
  });

  it("is clipped to the screen", () => {
    expect(clip("abcdef", 4)).toBe("abc…");
    expect(clip("abcd", 4)).toBe("abcd");
  });

  it("cannot steer the terminal", () => {
    expect(printable("a\u001b[2Jb\r\n\u202e")).toBe("a\ufffd[2Jb\ufffd\ufffd\ufffd");
  });

  it.each([
    [0.4239, "0.42 ms"],
    [12.4, "12 ms"],
    [2_310, "2.31 s"],
    [185_000, "3 m 5 s"],
    [7_440_000, "2 h 4 m"],
    [50 * 3_600_000, "2 d 2 h"],
  ])("says %d ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("groups digits and joins names", () => {
    expect(count(1_234_567.4)).toBe("1,234,567");
    expect(sentenceList([])).toBe("");
    expect(sentenceList(["a"])).toBe("a");
    expect(sentenceList(["a", "b", "c"])).toBe("a, b and c");
  });
});
