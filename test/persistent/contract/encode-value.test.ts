/** Values come back as they were, or are refused with the place of the fault. */
import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidValueError, ProtocolError, TooLargeError } from "../../../src/errors.ts";
import { decodeValue } from "../../../src/persistent/contract/decode-value.ts";
import { encodeValue } from "../../../src/persistent/contract/encode-value.ts";
import { storeValue } from "./values.ts";

describe("what is encoded and decoded", () => {
  it("is what was given, for values of every sort", () => {
    fc.assert(
      fc.property(storeValue, (value) => {
        const before = structuredClone(value);
        const text = encodeValue(value);
        deepStrictEqual(decodeValue(text), before);
        deepStrictEqual(value, before);
        expect(text.isWellFormed() && !text.includes("\0")).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("has a form that does not change", () => {
    const value = {
      big: 2n ** 63n,
      bytes: new Uint8Array([0, 255]),
      at: new Date(1.5e12),
      zero: -0,
      tag: { $bigint: "1" },
      list: [1, { $: null }],
    };
    const text =
      '{"big":{"$bigint":"9223372036854775808"},"bytes":{"$bytes":"AP8="},' +
      '"at":{"$date":1500000000000},"zero":{"$number":"-0"},"tag":{"$":{"$bigint":"1"}},' +
      '"list":[1,{"$":{"$":null}}]}';
    expect(encodeValue(value)).toBe(text);
    deepStrictEqual(decodeValue(text), value);
  });

  it("takes Buffers and objects without a prototype, as bytes and plain objects", () => {
    const bare: unknown = Object.assign(Object.create(null), { a: 1 });
    deepStrictEqual(decodeValue(encodeValue([Buffer.from("ab"), bare])), [
      new Uint8Array([97, 98]),
      { a: 1 },
    ]);
  });

  it("has a member __proto__ as a member, and pollutes nothing", () => {
    const evil: unknown = JSON.parse('{"__proto__":{"polluted":true},"n":1}');
    const back = decodeValue(encodeValue({ evil, big: 1n }));
    deepStrictEqual(back, { evil, big: 1n });
    expect(Reflect.get({}, "polluted")).toBe(undefined);
  });
});

describe("a value is refused that", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const cases: readonly (readonly [string, unknown, RegExp])[] = [
    ["is undefined", undefined, /^value is undefined; allowed are null/],
    ["has undefined inside", { a: [1, undefined] }, /^value\.a\[1\] is undefined or a hole/],
    ["has an undefined member", { a: { "b c": undefined } }, /^value\.a\["b c"\] is undefined/],
    ["has a hole", new Array(1), /^value\[0\] is undefined or a hole/],
    ["is NaN", Number.NaN, /^value is NaN/],
    ["has an infinity", [-Infinity], /^value\[0\] is -Infinity/],
    ["has U+0000", { text: "a\0b" }, /^value\.text has the character U\+0000/],
    ["has U+0000 in a name", { "a\0": 1 }, /^value\["a\\u0000"\] has the character U\+0000/],
    ["has a lone surrogate", ["\ud800"], /^value\[0\] has a lone surrogate/],
    ["has a function", { f() {} }, /^value\.f is a function/],
    ["has a symbol", [Symbol("s")], /^value\[0\] is a symbol/],
    ["has a member named by a symbol", { [Symbol("s")]: 1 }, /whose name is a symbol/],
    ["has a Map", new Map(), /^value is an instance of Map; allowed are/],
    ["has a class instance", { e: new Error("x") }, /^value\.e is an instance of Error/],
    ["has a typed array other than bytes", new Float64Array(1), /instance of Float64Array/],
    ["is an invalid Date", new Date(Number.NaN), /^value is an invalid Date/],
    ["is a cycle", cycle, /nested too deep or in a cycle; allowed are 64 levels/],
    ["has properties on an array", Object.assign([1], { x: 1 }), /besides its elements/],
    ["has a bigint without end", 2n ** 70_000n, /bigint of more than 65536 bits/],
  ];
  it.each(cases)("%s", (_, value, message) => {
    expect(() => encodeValue(value)).toThrow(InvalidValueError);
    expect(() => encodeValue(value)).toThrow(message);
  });

  it("is over the limit, before it is encoded as well as after", () => {
    expect(encodeValue("x".repeat(98), 100)).toHaveLength(100);
    expect(() => encodeValue("x".repeat(99), 100)).toThrow(TooLargeError);
    expect(() => encodeValue("ä".repeat(50), 100)).toThrow(TooLargeError);
    const shared: unknown[] = [];
    let each: unknown[] = shared;
    for (let depth = 0; depth < 40; depth++) each = [each, each];
    expect(() => encodeValue(each, 100_000)).toThrow(TooLargeError);
  });
});

describe("text that is not of our making", () => {
  it.each(["{", '{"$unknown":1}', '{"$bigint":"x"}', '{"$bytes":1}', '{"$":1}', '{"$date":"x"}'])(
    "is refused: %s",
    (text) => {
      expect(() => decodeValue(text)).toThrow(ProtocolError);
    },
  );
});
