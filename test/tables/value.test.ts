import { deepStrictEqual } from "node:assert/strict";
import * as fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { bytesToLatin1 } from "../../src/bytes.ts";
import { InvalidValueError, ProtocolError, TooLargeError } from "../../src/errors.ts";
import {
  checkEncodedValue,
  decodeValue,
  encodeValue,
  isShareable,
  valuesEqual,
} from "../../src/tables/value.ts";

const roundTrip = (value: unknown) => decodeValue(encodeValue(value));

const wellFormed = fc.string({ unit: "binary" });
const propertyName = fc
  .oneof(
    wellFormed,
    fc.constantFrom("", "constructor", "toString", "hasOwnProperty", "length", "0"),
  )
  .filter((name) => name !== "__proto__" && name !== "__keys__");
const number = fc.double().map((value) => (Object.is(value, -0) ? 0 : value));
const wideBigint = fc.oneof(
  fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }),
  fc
    .tuple(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: -1, max: 1 }), fc.boolean())
    .map(([bits, by, negative]) => ((1n << BigInt(bits)) + BigInt(by)) * (negative ? -1n : 1n)),
);
const plainLeaf = fc.oneof(
  wellFormed,
  number,
  fc.integer(),
  fc.maxSafeInteger(),
  wideBigint,
  fc.boolean(),
  fc.constantFrom(null, undefined),
);
const richLeaf = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.uint8ClampedArray(),
  fc.int16Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
  fc.uint8Array().map((bytes) => new DataView(new Uint8Array(bytes).buffer)),
);

function anyValue(rich: boolean): fc.Arbitrary<unknown> {
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", maxDepth: 5, withCrossShrink: true },
      rich ? fc.oneof(plainLeaf, richLeaf) : plainLeaf,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.dictionary(propertyName, tie("value"), { maxKeys: 5, noNullPrototype: true }),
      ...(rich
        ? [
            fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((e) => new Map(e)),
            fc.array(tie("value"), { maxLength: 4 }).map((elements) => new Set(elements)),
          ]
        : []),
    ),
  })).value;
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen);
}

/** Reverses the order of properties, entries and elements of Sets, in depth. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value instanceof Set) return new Set(Array.from(value, reordered).reverse());
  if (value instanceof Map) {
    return new Map(Array.from(value, ([k, v]) => [reordered(k), reordered(v)] as const).reverse());
  }
  if (typeof value !== "object" || value === null) return value;
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, element]) => [name, reordered(element)]),
  );
}

describe("encodeValue and decodeValue", () => {
  test("plain data comes back equal and frozen in depth", () => {
    fc.assert(
      fc.property(anyValue(false), (value) => {
        const encoded = encodeValue(value);
        expect(encoded).toMatch(/^p[\0-\xff]+$/);
        expect(isShareable(encoded)).toBe(true);
        checkEncodedValue(encoded);
        const decoded = decodeValue(encoded);
        deepStrictEqual(decoded, value);
        expect(isDeepFrozen(decoded)).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("data of all kinds comes back equal, made anew each time", () => {
    let rich = 0;
    fc.assert(
      fc.property(anyValue(true), (value) => {
        const encoded = encodeValue(value);
        checkEncodedValue(encoded);
        const decoded = decodeValue(encoded);
        deepStrictEqual(decoded, value);
        if (isShareable(encoded)) return;
        rich++;
        expect(encoded).toMatch(/^r[\0-\xff]+$/);
        expect(decodeValue(encoded)).not.toBe(decoded);
      }),
      { numRuns: 150 },
    );
    expect(rich).toBeGreaterThan(30);
  });

  test("every kind of typed array keeps its type, its bytes and nothing of other buffers", () => {
    const types = [
      Int8Array,
      Uint8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
    ];
    for (const Type of types) {
      const value = new Type(new Type([9, 1, 2, 3, 9]).buffer, Type.BYTES_PER_ELEMENT, 3);
      const decoded = roundTrip({ value }) as { value: InstanceType<typeof Type> };
      expect(decoded.value).toStrictEqual(new Type([1, 2, 3]));
      expect(decoded.value.buffer.byteLength).toBe(value.byteLength);
    }
    expect(roundTrip(new BigUint64Array([1n << 63n]))).toStrictEqual(
      new BigUint64Array([1n << 63n]),
    );
    const buffer = roundTrip(Buffer.from("bytes")) as Buffer;
    expect(Buffer.isBuffer(buffer)).toBe(true);
    expect(buffer.buffer.byteLength).toBe(5);
    const view = roundTrip(new DataView(new Uint8Array([9, 7, 9]).buffer, 1, 1)) as DataView;
    expect([view.byteLength, view.getUint8(0)]).toEqual([1, 7]);
  });

  test("70,000 properties and as many elements come back", () => {
    const names = Array.from({ length: 70_000 }, (_, index) => `p${index}`);
    const object = roundTrip(Object.fromEntries(names.map((name, at) => [name, at]))) as object;
    expect(Object.keys(object).join()).toBe(names.join());
    expect(Object.values(object).every((value, at) => value === at)).toBe(true);
    expect((roundTrip(names) as string[]).join()).toBe(names.join());
  });

  test("bytes that were decoded do not change when others are decoded", () => {
    const first = roundTrip(Buffer.from("first")) as Buffer;
    roundTrip(Buffer.from("second"));
    encodeValue(Buffer.from("third"));
    expect(first.toString()).toBe("first");
  });

  test.each<[string, unknown]>([
    ["integers at every width", [0, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1]],
    ["integers beyond 32 bits", [2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, 2 ** 64, 1e300]],
    ["negative ones", [-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 53) - 2]],
    ["numbers that are none or too many", [Number.NaN, Number.POSITIVE_INFINITY, -1 / 0, 5e-324]],
    ["bigints of 64 and 70 bits", [0n, 1n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 70n)]],
    ["bigints beside their numbers", [1n, 1, 2n ** 53n, 2 ** 53]],
    ["undefined within", { a: undefined, b: [undefined, null], c: {} }],
    ["odd names", { "": 1, constructor: 2, toString: 3, hasOwnProperty: 4, toJSON: 5, "\0": 6 }],
    ["names like those of arrays", { length: 2, size: 3, "0": 4, "-1": 5, "1.5": 6 }],
    ["a property called as a class is", { constructor: "Map", prototype: null, valueOf: 1 }],
    ["composed and decomposed letters", ["a\u0301", "\u00e1", { "a\u0301": 1, "\u00e1": 2 }]],
    ["letters of every width", ["a", "é", "€", "😀", "\uffff", "é".repeat(40), "😀".repeat(300)]],
    ["63 levels", JSON.parse(`${"[".repeat(63)}${"]".repeat(63)}`)],
    [
      "dates of all sorts",
      [0, 1, 999, -1, -1001, 2 ** 32 * 1000, 8.64e15, -8.64e15].map((at) => new Date(at)),
    ],
    [
      "a Map of Maps",
      new Map<unknown, unknown>([
        ["a", new Map([[1, { b: 1 }]])],
        [{ k: 1 }, "v"],
        [undefined, null],
      ]),
    ],
    ["a Map beside an object alike", [new Map([["a", 1]]), { a: 1 }, { a: 2 }, {}, new Map()]],
    ["a Set of all sorts", new Set([1, "1", 1n, { a: 1 }, new Set([1]), undefined, Number.NaN])],
    [
      "100 shapes, twice each",
      [new Date(1), ...Array.from({ length: 200 }, (_, i) => ({ [`k${i % 100}`]: i, b: 1 }))],
    ],
  ])("%s come back the same", (_name, value) => {
    deepStrictEqual(roundTrip(value), value);
    checkEncodedValue(encodeValue(value));
    deepStrictEqual(roundTrip([new Date(0), value]), [new Date(0), value]);
  });

  test("records within rich values do not depend on what was encoded before", () => {
    const shapes = [{ a: 1 }, { a: 1, b: 2 }, { b: 2, a: 1 }, {}, { a: { a: { b: 1 } } }];
    const first = shapes.map((shape) => encodeValue([new Date(5), shape, shape]));
    for (let round = 0; round < 300; round++)
      encodeValue([new Date(5), { [`x${round}`]: { a: 1 } }]);
    expect(shapes.map((shape) => encodeValue([new Date(5), shape, shape]))).toEqual(first);
  });

  test("-0 becomes 0, a null prototype the usual one, an accessor its value", () => {
    expect(Object.is(roundTrip(-0), 0)).toBe(true);
    const bare = Object.assign(Object.create(null), { a: 1 });
    expect(roundTrip(bare)).toStrictEqual({ a: 1 });
    expect(roundTrip([new Date(0), bare])).toStrictEqual([new Date(0), { a: 1 }]);
    expect(
      roundTrip({
        get a() {
          return 1;
        },
      }),
    ).toStrictEqual({ a: 1 });
  });

  test("an invalid Date and a plain object's __keys__ come back", () => {
    expect(roundTrip(new Date(Number.NaN))).toEqual(new Date(Number.NaN));
    deepStrictEqual(roundTrip([{ __keys__: 1, a: 2 }, { a: 1 }]), [
      { __keys__: 1, a: 2 },
      { a: 1 },
    ]);
  });

  test("what is shared within a value comes apart", () => {
    const shared = { a: 1 };
    const decoded = roundTrip([shared, shared]) as unknown[];
    expect(decoded).toStrictEqual([{ a: 1 }, { a: 1 }]);
    expect(decoded[0]).not.toBe(decoded[1]);
  });

  test("the encoding does not follow later changes of the value", () => {
    const value = { a: [1] };
    const encoded = encodeValue(value);
    value.a.push(2);
    expect(decodeValue(encoded)).toEqual({ a: [1] });
  });

  test("an accessor that encodes another value spoils neither", () => {
    let inner = "";
    const value = {
      before: "x".repeat(50),
      get during() {
        inner = encodeValue({ inner: [1] });
        return 1;
      },
      after: "y",
    };
    const encoded = encodeValue(value);
    expect(decodeValue(encoded)).toEqual({ before: "x".repeat(50), during: 1, after: "y" });
    expect(decodeValue(inner)).toEqual({ inner: [1] });
  });
});

describe("encodeValue refuses", () => {
  class Session {
    user = "alice";
  }
  const cycle: unknown[] = [];
  cycle.push({ cycle, again: cycle });
  const ring = new Map<unknown, unknown>();
  ring.set("self", ring);
  const holed = [1, 2, 3];
  delete holed[1];
  const balanced = Object.assign([1, 2, 3], { extra: 1 });
  delete balanced[1];

  test.each<[string, unknown, RegExp]>([
    ["a function", () => 1, /^value is a function; allowed are/],
    ["a function within", { user: { name: () => 1 } }, /^value\.user\.name is a function/],
    ["a symbol", [1, Symbol("s")], /^value\[1\] is a symbol/],
    ["a class instance", { s: new Session() }, /^value\.s is an instance of Session/],
    ["an Error", new Error("e"), /instance of Error/],
    ["a RegExp", /a/, /instance of RegExp/],
    ["a promise", Promise.resolve(), /instance of Promise/],
    ["a WeakMap", new WeakMap(), /instance of WeakMap/],
    ["a boxed string", new String("a"), /instance of String/],
    ["a Map's subclass", new (class Ours extends Map {})(), /instance of Ours/],
    ["an Array's subclass", new (class Ours extends Array {})(), /instance of Ours/],
    ["a Date's subclass", new (class Ours extends Date {})(), /instance of Ours/],
    ["a typed array's subclass", new (class Ours extends Uint8Array {})(1), /instance of Ours/],
    ["shared memory", new SharedArrayBuffer(1), /instance of SharedArrayBuffer/],
    ["an iterator", [1].values(), /instance of/],
    ["an object with another prototype", Object.create({ a: 1 }), /instance of/],
    ["an object that claims to be an array", Object.create(Array.prototype), /instance of Array/],
    ["an object that claims to be a Map", Object.create(Map.prototype), /could not be read/],
    ["a lone surrogate", { name: "a\ud800b" }, /^value\.name has a lone surrogate/],
    ["one in a property name", { "a b": { "\udc00": 1 } }, /^value\["a b"\] has a property name/],
    [
      "one in a Map's key",
      new Map([
        ["a", 1],
        ["\ud800", 2],
      ]),
      /^value\.keys\(\)\[1\] has a lone/,
    ],
    ["one in a Map's value", { m: new Map([["a", "\ud800"]]) }, /^value\.m\.values\(\)\[0\] has/],
    ["one in a Set", new Set(["\ud800"]), /^value\.values\(\)\[0\] has a lone surrogate/],
    ["__proto__", JSON.parse('{"a":{"__proto__":1}}'), /^value\.a has a property "__proto__"/],
    ["a symbol as a name", { [Symbol("s")]: 1 }, /whose name is a symbol/],
    ["a symbol as an array's property", Object.assign([1], { [Symbol("s")]: 1 }), /is a symbol/],
    ["holes", { list: holed }, /^value\.list is a sparse array, with a hole at 1/],
    ["holes made up for by a property", balanced, /sparse array/],
    ["an enormous sparse array", new Array(2 ** 32 - 1), /sparse array/],
    ["an array with a property", Object.assign([1], { extra: 1 }), /besides its elements/],
    ["a match of a pattern", "abc".match(/b/), /besides its elements/],
    ["a Map with a property", Object.assign(new Map(), { extra: 1 }), /besides its content/],
    ["a Set with a property", Object.assign(new Set(), { extra: 1 }), /besides its content/],
    ["a Date with a property", Object.assign(new Date(0), { extra: 1 }), /besides its content/],
    [
      "bytes with a property",
      Object.assign(new Uint8Array(2), { extra: 1 }),
      /besides its content/,
    ],
    ["a buffer with a property", Object.assign(new ArrayBuffer(2), { extra: 1 }), /besides its/],
    ["a cycle", cycle, /nested too deep or in a cycle/],
    ["a Map within itself", ring, /nested too deep or in a cycle/],
    ["65 levels", JSON.parse(`${"[".repeat(65)}${"]".repeat(65)}`), /nested too deep/],
    ["__keys__ beside a Date", [{ __keys__: 1 }, new Date(0)], /property "__keys__"/],
  ])("%s", (_name, value, message) => {
    expect(() => encodeValue(value)).toThrow(InvalidValueError);
    expect(() => encodeValue(value)).toThrow(message);
  });

  test("a value whose accessor or proxy throws, with the cause", () => {
    const broken = {
      get a(): never {
        throw new Error("mine");
      },
    };
    expect(() => encodeValue(broken)).toThrow(InvalidValueError);
    try {
      encodeValue(broken);
    } catch (error) {
      expect(error).toHaveProperty("cause.message", "mine");
    }
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => encodeValue({ proxy })).toThrow(InvalidValueError);
  });

  test("an accessor that shows a symbol once it was checked", () => {
    let reads = 0;
    const value = {
      get a() {
        return reads++ === 0 ? 1 : Symbol("late");
      },
    };
    expect(() => encodeValue(value)).toThrow(InvalidValueError);
    expect(roundTrip({ a: 1 })).toEqual({ a: 1 });
  });

  test("more than 1 MiB, and nothing of just 1 MiB", () => {
    const full = "a".repeat(1024 * 1024 - 5);
    expect(decodeValue(encodeValue(full))).toBe(full);
    expect(() => encodeValue(`${full}a`)).toThrow(TooLargeError);
    expect(() => encodeValue("€".repeat(400_000))).toThrow(TooLargeError);
    expect(() => encodeValue(new Uint8Array(1024 * 1024))).toThrow(TooLargeError);
    expect(() => encodeValue(1n << 9_000_000n)).toThrow(TooLargeError);
    expect(() => encodeValue(new Array(2_000_000).fill(null))).toThrow(TooLargeError);
  });

  test("small values whose parts are shared over and over, before they are spelled out", () => {
    let reads = 0;
    const counting = new Proxy([new Array(1000).fill(null)], {
      get(array, name) {
        if (name === "length") reads++;
        return Reflect.get(array, name);
      },
    });
    const value = new Array(40).fill(new Array(100).fill(counting));
    expect(() => encodeValue(value)).toThrow(TooLargeError);
    // A million nodes are a thousand of these; there are four thousand.
    expect(reads).toBeGreaterThan(1000);
    expect(reads).toBeLessThan(6000);
  });
});

describe("decodeValue", () => {
  const forge = (form: string, bytes: readonly number[]) => form + String.fromCharCode(...bytes);
  const record = [0xd4, 0x72, 0x40];
  const text = (value: string) => [0xa0 + value.length, ...Buffer.from(value)];

  test.each<[string, string]>([
    ["nothing", ""],
    ["an unknown form", forge("q", [0xc0])],
    ["a form alone", "p"],
    ["a rich form alone", "r"],
    ["an unknown token", forge("p", [0xc1])],
    ["an object that ends early", forge("p", [0x82, ...text("a"), 1])],
    ["a string that ends early", forge("p", [0xd9, 200, 0x61])],
    ["more behind the value", forge("p", [1, 2])],
    ["a huge array", forge("p", [0xdd, 0xff, 0xff, 0xff, 0xff, 1])],
    ["a huge object", forge("p", [0xdf, 0xff, 0xff, 0xff, 0xff, 1])],
    ["a huge string", forge("p", [0xdb, 0xff, 0xff, 0xff, 0xff, 1])],
    ["huge bytes", forge("r", [0xc6, 0xff, 0xff, 0xff, 0xff, 1])],
    ["huge arrays within arrays", forge("p", [0xdc, 0, 9, ...Array(9).fill([0xdc, 0, 50]).flat()])],
    ["an unknown extension", forge("r", [0xc7, 1, 0x55, 1])],
    ["bytes in plain data", forge("p", [0xc4, 1, 1])],
    ["a Date in plain data", forge("p", [0x91, 0xd6, 0xff, 0, 0, 0, 1])],
    ["a Set in plain data", forge("p", [0xd4, 0x73, 0, 0x90])],
    ["a RegExp", forge("r", [0xd4, 0x78, 0, 0x92, ...text("(a+)+$"), ...text("")])],
    ["an Error", forge("r", [0xd4, 0x65, 0, 0x93, ...text("Error"), ...text("m"), 0xc0])],
    ["a cycle", forge("r", [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1])],
    [
      "a pointer to another part",
      forge("r", [0x92, 0xd6, 0x69, 0, 0, 0, 1, 0x91, 1, 0xd6, 0x70, 0, 0, 0, 1]),
    ],
    ["a pointer to nowhere", forge("r", [0xd6, 0x70, 0, 0, 0, 9])],
    ["a record without names", forge("r", [...record, 0xc0])],
    ["a typed array of an odd size", forge("r", [0xc7, 4, 0x74, 7, 1, 2, 3])],
    ["a typed array of an unknown type", forge("r", [0xc7, 2, 0x74, 99, 1])],
    ["65 levels", forge("p", [...Array(64).fill(0x91), 0x90])],
    ["100,000 levels", forge("p", Array(100_000).fill(0x91))],
    ["100,000 levels of Maps", forge("r", Array(100_000).fill(0x81))],
    ["a bigint without bytes", forge("p", [0xc7, 0, 0x42])],
    ["an array as a property's name", forge("p", [0x81, 0x90, 1])],
    ["more than 1 MiB", forge("p", [0xdb, 0, 0x0f, 0xff, 0xfc]).padEnd(1024 * 1024 + 2, "a")],
  ])("%s is a ProtocolError, and the next value decodes", (_name, encoded) => {
    expect(() => decodeValue(encoded)).toThrow(ProtocolError);
    expect(() => checkEncodedValue(encoded)).toThrow(ProtocolError);
    expect(roundTrip({ a: [1, "x"] })).toEqual({ a: [1, "x"] });
    expect(roundTrip(new Map([["a", { b: 1 }]]))).toEqual(new Map([["a", { b: 1 }]]));
  });

  test("__proto__ on the wire sets no prototype and reaches no other object", () => {
    const payload = [...text("__proto__"), 0x81, ...text("polluted"), 0xc3];
    const forged = [
      forge("p", [0x81, ...payload]),
      forge("p", [0xde, 0, 1, ...payload]),
      forge("r", [...record, 0x91, ...text("__proto__"), 0x81, ...text("polluted"), 0xc3]),
      forge("r", [0x94, ...record, 0x91, ...text("__proto__"), 1, 0x40, 2, 0x40, 3, 0x40, 0x90]),
    ];
    for (const encoded of forged) {
      const decoded = decodeValue(encoded);
      const objects = Array.isArray(decoded) ? decoded : [decoded];
      for (const object of objects) expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
      expect(Reflect.get({}, "polluted")).toBe(undefined);
    }
  });

  test("any bytes give a value that encodes again, or a ProtocolError, also in the check before", () => {
    const tokens = fc.constantFrom(
      0x40,
      0x80,
      0x81,
      0x90,
      0x91,
      0x92,
      0xa0,
      0xa1,
      0xc0,
      0xc1,
      0xc4,
      0xc7,
      0xcb,
      0xcf,
      0xd3,
      0xd4,
      0xd5,
      0xd6,
      0xd7,
      0xd9,
      0xdc,
      0xde,
      0x42,
      0x62,
      0x65,
      0x69,
      0x70,
      0x72,
      0x73,
      0x74,
      0x78,
      0xff,
    );
    const noise = fc.array(fc.oneof(tokens, fc.integer({ min: 0, max: 255 })), { maxLength: 24 });
    const damaged = fc
      .tuple(
        anyValue(true),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 3,
        }),
      )
      .map(([value, changes]) => {
        const units = Array.from(encodeValue(value), (unit) => unit.charCodeAt(0)).slice(1);
        for (const [at, unit] of changes) units[at % units.length] = unit;
        return units;
      });
    let decoded = 0;
    let checked = 0;
    let passed = false;
    fc.assert(
      fc.property(fc.constantFrom("p", "r"), fc.oneof(noise, damaged), (form, bytes) => {
        let value: unknown;
        const encoded = forge(form, bytes);
        try {
          checkEncodedValue(encoded);
          passed = true;
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          passed = false;
        }
        try {
          value = decodeValue(encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
          expect(passed).toBe(false);
          return;
        }
        if (passed) checked++;
        decoded++;
        try {
          expect(isShareable(encodeValue(value)) || form === "r").toBe(true);
        } catch (error) {
          // Plain bytes may spell rich data with a name that records cannot carry, no more.
          expect(error).toBeInstanceOf(InvalidValueError);
          expect(error).toHaveProperty("message", expect.stringContaining("__keys__"));
        }
      }),
      { numRuns: 1200 },
    );
    expect(decoded).toBeGreaterThan(100);
    expect(checked).toBeGreaterThan(100);
  });

  test("reads plain values as other writers of MessagePack spell them", () => {
    const writer = new Packr({ useRecords: false });
    const value = { a: 1, b: [1.5, "text", null, true, { c: -7 }] };
    expect(decodeValue(`p${bytesToLatin1(writer.pack(value))}`)).toEqual(value);
  });

  test("a string of just 1 MiB with its head passes where one more unit does not", () => {
    const full = forge("p", [0xdb, 0, 0x0f, 0xff, 0xfb]).padEnd(1024 * 1024 + 1, "a");
    checkEncodedValue(full);
    expect(decodeValue(full)).toHaveLength(1024 * 1024 - 5);
  });

  test("checkEncodedValue passes what was encoded and refuses other forms and sizes", () => {
    checkEncodedValue(encodeValue(1));
    checkEncodedValue(encodeValue(new Date(0)));
    for (const encoded of ["", "x", "P\u00c0", `p${"\0".repeat(1024 * 1024 + 1)}`]) {
      expect(() => checkEncodedValue(encoded)).toThrow(ProtocolError);
    }
  });
});

describe("valuesEqual", () => {
  test("does not mind the order of properties, entries and elements of Sets", () => {
    fc.assert(
      fc.property(anyValue(true), (value) => {
        expect(valuesEqual(encodeValue(value), encodeValue(reordered(value)))).toBe(true);
      }),
    );
  });

  test("tells different values apart", () => {
    fc.assert(
      fc.property(anyValue(true), anyValue(true), (a, b) => {
        let equal = true;
        try {
          deepStrictEqual(a, b);
        } catch {
          equal = false;
        }
        if (equal) expect(valuesEqual(encodeValue(a), encodeValue(b))).toBe(true);
        expect(valuesEqual(encodeValue([a, 1]), encodeValue([b, 2]))).toBe(false);
      }),
    );
  });

  test.each<[unknown, unknown]>([
    [1, 1n],
    [1, "1"],
    [null, undefined],
    [{}, []],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1 }, new Map([["a", 1]])],
    [
      [1, 2],
      [2, 1],
    ],
    [[1, 2], new Set([1, 2])],
    ["a\u0301", "\u00e1"],
    [{ "a,b": 1 }, { a: 1, b: 1 }],
    [["a,b"], ["a", "b"]],
    [new Date(1), new Date(2)],
    [new Date(1), "Date(1)"],
    [new Uint8Array([1]), new Int8Array([1])],
    [new Uint8Array([1]), Buffer.from([1])],
    [new Uint8Array([1]).buffer, new Uint8Array([1])],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new Map([[{ a: 1 }, 1]]), new Map([[{ a: 2 }, 1]])],
  ])("values of different structure are different (pair %#)", (a, b) => {
    expect(valuesEqual(encodeValue(a), encodeValue(b))).toBe(false);
    expect(valuesEqual(encodeValue([a]), encodeValue([b]))).toBe(false);
  });

  test("NaN equals itself, as do invalid dates", () => {
    expect(
      valuesEqual(encodeValue({ a: 1, b: Number.NaN }), encodeValue({ b: Number.NaN, a: 1 })),
    ).toBe(true);
    const dates = [
      { a: 1, b: new Date(Number.NaN) },
      { b: new Date(Number.NaN), a: 1 },
    ].map(encodeValue);
    expect(valuesEqual(dates[0] ?? "", dates[1] ?? "")).toBe(true);
  });
});
