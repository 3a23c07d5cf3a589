import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidKeyError, ProtocolError, TooLargeError } from "../../src/errors.ts";
import {
  AFTER_ALL_KEYS,
  checkEncodedKey,
  compareEncodedKeys,
  decodeKey,
  encodeKey,
  hashKey,
  isStringKey,
  isTuple,
  prefixRange,
} from "../../src/tables/key.ts";
import { anyKey, anyText, compareKeys, leads } from "./keys.ts";

const RUNS = { numRuns: 1000 };

function nested(depth: number): unknown {
  let key: unknown = 1;
  for (let level = 0; level < depth; level++) key = [key];
  return key;
}

describe("encodeKey", () => {
  test("a string that starts with no special unit is its own encoding", () => {
    for (const key of ["alice", "\u00e1", "\u0001", "\ud800", "a\0b", "😀"]) {
      expect(encodeKey(key)).toBe(key);
    }
  });

  test("keys that look alike stay apart", () => {
    const keys = [1, 1n, "1", true, "true", [1], ["1"], [[1]], "a\u0301", "\u00e1", null, "null"];
    const special = ["", "\0", "\0\0", "\x01", "\x01\x01", "\0\x06", "\0\x07", "\0\x04", [], [[]]];
    const encoded = [...keys, ...special].map(encodeKey);
    expect(new Set(encoded).size).toBe(encoded.length);
  });

  test("-0 is 0", () => {
    expect(encodeKey(-0)).toBe(encodeKey(0));
    expect(encodeKey([-0])).toBe(encodeKey([0]));
    expect(Object.is(decodeKey(encodeKey(-0)), 0)).toBe(true);
  });

  test("keys differ if and only if their encodings do", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        expect(encodeKey(a) === encodeKey(b)).toBe(compareKeys(a, b) === 0);
      }),
      RUNS,
    );
  });

  test("the encoding of what is no string and has no wide string is Latin-1", () => {
    const keys = [1.5, -7, 12345678901234567890n, -1n, [1, "a", ["b", null]], ["example.com", "é"]];
    for (const key of keys) expect(encodeKey(key)).toMatch(/^[\0-\xff]*$/);
  });

  test.each<[string, unknown, RegExp]>([
    ["NaN", Number.NaN, /key is NaN; allowed are/],
    ["undefined", undefined, /key is undefined; allowed/],
    ["an object", {}, /key is an object; allowed/],
    ["a Date", new Date(0), /key is an object \(Date\)/],
    ["a String object", new String("a"), /\(String\)/],
    ["bytes", new Uint8Array(2), /\(Uint8Array\)/],
    ["a function", () => 1, /key is a function/],
    ["a symbol", Symbol("a"), /key is a symbol/],
    ["NaN in a tuple", ["a", ["b", Number.NaN]], /key\[1\]\[1\] is NaN/],
    ["undefined in a tuple", ["a", undefined], /key\[1\] is undefined/],
    // biome-ignore lint/suspicious/noSparseArray: it is what is refused
    ["a sparse array", [1, , 2], /key\[1\] is a hole/],
    ["an enormous sparse array", new Array(2 ** 31), /key\[0\] is a hole/],
    ["tuples nested 9 deep", nested(9), /nested too deep/],
  ])("%s is refused", (_name, key, message) => {
    expect(() => encodeKey(key)).toThrow(InvalidKeyError);
    expect(() => encodeKey(key)).toThrow(message);
  });

  test("tuples nested 8 deep are keys", () => {
    expect(decodeKey(encodeKey(nested(8)))).toEqual(nested(8));
  });

  test("a tuple within itself is refused", () => {
    const key: unknown[] = ["a"];
    key.push(key);
    expect(() => encodeKey(key)).toThrow(InvalidKeyError);
  });

  test("1024 bytes of UTF-8 are a key and one more is not", () => {
    for (const [unit, bytes] of [
      ["a", 1],
      ["é", 2],
      ["€", 3],
      ["😀", 4],
    ] as const) {
      const full = unit.repeat(Math.floor(1024 / bytes)) + "a".repeat(1024 % bytes);
      expect(decodeKey(encodeKey(full))).toBe(full);
      expect(() => encodeKey(`${full}a`)).toThrow(TooLargeError);
    }
    expect(() => encodeKey(["a".repeat(1021)])).toThrow(TooLargeError);
    expect(encodeKey(["a".repeat(1020)])).toHaveLength(1024);
    expect(() => encodeKey(1n << 9000n)).toThrow(TooLargeError);
    expect(() => encodeKey("a".repeat(2 ** 28))).toThrow(TooLargeError);
  });

  test("wide tuples of shared tuples are refused before they are spelled out", () => {
    let reads = 0;
    let key: unknown[] = new Proxy([1], {
      get(tuple, name) {
        reads++;
        return Reflect.get(tuple, name);
      },
    });
    for (let level = 0; level < 7; level++) key = new Array(8).fill(key);
    expect(() => encodeKey(key)).toThrow(TooLargeError);
    expect(reads).toBeLessThan(5000);
  });
});

describe("decodeKey", () => {
  test("gives back the key", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        const encoded = encodeKey(key);
        checkEncodedKey(encoded);
        expect(decodeKey(encoded)).toStrictEqual(key);
      }),
      RUNS,
    );
  });

  test("tuples come frozen in depth", () => {
    const key = decodeKey(encodeKey([1, ["a", []]]));
    expect(Object.isFrozen(key)).toBe(true);
    expect(Array.isArray(key) && Object.isFrozen(key[1]) && Object.isFrozen(key[1][1])).toBe(true);
  });

  test("what decodes at all is spelled as encodeKey spells it", () => {
    const noise = fc
      .array(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom(0x7f, 0x80, 0xff, 0x100)), {
        maxLength: 14,
      })
      .map((units) => `\0${String.fromCharCode(...units)}`);
    const damaged = fc
      .tuple(anyKey.map(encodeKey), fc.nat(), fc.integer({ min: 0, max: 0xff }))
      .map(([encoded, at, unit]) => {
        const where = at % (encoded.length + 1);
        return encoded.slice(0, where) + String.fromCharCode(unit) + encoded.slice(where + 1);
      });
    let decoded = 0;
    fc.assert(
      fc.property(fc.oneof(noise, damaged, anyText), (encoded) => {
        let key: unknown;
        let fault: unknown;
        try {
          key = decodeKey(encoded);
        } catch (error) {
          fault = error;
        }
        if (fault === undefined) {
          decoded++;
          expect(encodeKey(key)).toBe(encoded);
          checkEncodedKey(encoded);
        } else {
          expect(fault).toBeInstanceOf(ProtocolError);
          expect(() => checkEncodedKey(encoded)).toThrow(ProtocolError);
        }
      }),
      { numRuns: 4000 },
    );
    expect(decoded).toBeGreaterThan(500);
  });

  test.each<[string, string]>([
    ["an empty string", ""],
    ["a head alone", "\0"],
    ["an unknown tag", "\0\x09"],
    ["a bound", AFTER_ALL_KEYS],
    ["a string escaped without need", "\0\x06abc"],
    ["half a number", "\0\x04\x80\0\0"],
    ["a number with more behind it", `${encodeKey(1)}\0`],
    ["-0", "\0\x04\x7f\xff\xff\xff\xff\xff\xff\xff"],
    ["NaN", "\0\x04\xff\xf8\0\0\0\0\0\0"],
    ["a number of wide units", "\0\x04\u0180\0\0\0\0\0\0\0"],
    ["a bigint with a leading zero", "\0\x05\x80\x02\0\x01"],
    ["a bigint that ends early", "\0\x05\x80\x02\x01"],
    ["an enormous bigint", "\0\x05\xff\xff\x01"],
    ["a tuple's string without end", "\0\x07\x06abc"],
    ["a tuple's string with an unknown escape", "\0\x07\x06a\x01\x03\0"],
    ["a tuple's string that ends in an escape", "\0\x07\x06a\x01\0"],
    ["a nested tuple without end", "\0\x07\x07"],
    ["a tuple with an end", "\0\x07\0"],
    ["tuples nested 9 deep", `\0\x07${"\x07".repeat(8)}${"\0".repeat(8)}`],
    ["1025 bytes", "a".repeat(1025)],
    ["1025 bytes of UTF-8", `${"é".repeat(512)}a`],
  ])("%s is no encoding", (_name, encoded) => {
    expect(() => decodeKey(encoded)).toThrow(ProtocolError);
    expect(() => checkEncodedKey(encoded)).toThrow(ProtocolError);
  });
});

describe("compareEncodedKeys", () => {
  test("is the promised order", () => {
    fc.assert(
      fc.property(anyKey, anyKey, (a, b) => {
        expect(compareEncodedKeys(encodeKey(a), encodeKey(b))).toBe(compareKeys(a, b));
      }),
      { numRuns: 4000 },
    );
  });

  test("orders these as they stand here", () => {
    const keys = [
      null,
      false,
      true,
      Number.NEGATIVE_INFINITY,
      -1.5,
      -1,
      -(2 ** -1074),
      0,
      2 ** -1074,
      0.5,
      1,
      2,
      10,
      2 ** 53,
      Number.POSITIVE_INFINITY,
      -(1n << 64n),
      -256n,
      -255n,
      -1n,
      0n,
      1n,
      255n,
      256n,
      1n << 64n,
      "",
      "\0",
      "\0\0",
      "\0a",
      "\x01",
      "\x07",
      "a",
      "a\0",
      "aa",
      "a\u0301",
      "z",
      "\u00e1",
      "\ud800",
      "\ud83d\ude00",
      "\uffff",
      [],
      [null],
      [1],
      [1, null],
      [1, 1],
      [1n],
      [""],
      ["", ""],
      ["\0"],
      ["\0", 1],
      ["\x01"],
      ["\x02"],
      ["a"],
      ["a", 0],
      ["a", "b"],
      ["a\0"],
      ["aa"],
      ["\uffff"],
      [[]],
      [[], 1],
      [[1]],
      [["a"]],
      [["a"], 1],
      [["a", 1]],
      [[[]]],
    ];
    const sorted = keys.map(encodeKey).reverse().sort(compareEncodedKeys).map(decodeKey);
    expect(sorted).toStrictEqual(keys);
  });

  test("the end of all keys is after every key", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(compareEncodedKeys(encodeKey(key), AFTER_ALL_KEYS)).toBe(-1);
        expect(compareEncodedKeys(AFTER_ALL_KEYS, encodeKey(key))).toBe(1);
      }),
    );
  });

  test("isTuple and isStringKey tell the types", () => {
    fc.assert(
      fc.property(anyKey, (key) => {
        expect(isTuple(encodeKey(key))).toBe(Array.isArray(key));
        expect(isStringKey(encodeKey(key))).toBe(typeof key === "string");
      }),
      RUNS,
    );
  });
});

describe("prefixRange", () => {
  test("matches what the prefix leads, and its bounds hold just that", () => {
    const related = fc
      .tuple(anyKey, fc.nat({ max: 4 }), anyKey)
      .map(([key, size, other]) =>
        typeof key === "string" || Array.isArray(key)
          ? ([key.slice(0, size), key] as const)
          : ([Array.isArray(other) ? other : ["a"], key] as const),
      );
    const unrelated = fc.tuple(fc.oneof(anyText, fc.array(anyText, { maxLength: 2 })), anyKey);
    let matched = 0;
    fc.assert(
      fc.property(fc.oneof(related, unrelated), ([prefix, key]) => {
        const range = prefixRange(prefix);
        const encoded = encodeKey(key);
        const within =
          compareEncodedKeys(encoded, range.from) >= 0 && compareEncodedKeys(encoded, range.to) < 0;
        expect(range.matches(encoded)).toBe(leads(prefix, key));
        expect(within).toBe(leads(prefix, key));
        if (within) matched++;
      }),
      { numRuns: 4000 },
    );
    expect(matched).toBeGreaterThan(500);
  });

  test('["a","b"] leads itself and longer ones, not ["a","b\\0"] or ["a","bc"]', () => {
    const range = prefixRange(["a", "b"]);
    const keys = [["a", "b"], ["a", "b", 1], ["a", "b\0"], ["a", "bc"], ["a"], "ab", ["a", ["b"]]];
    const found = keys.filter((key) => range.matches(encodeKey(key)));
    expect(found).toEqual([
      ["a", "b"],
      ["a", "b", 1],
    ]);
  });

  test('"" leads all strings, [] all tuples, "\\uffff" what begins so', () => {
    const keys = [1, "", "\0", "z", "\uffff", "\uffff\uffffa", [], ["a"], null];
    const led = (prefix: unknown) =>
      keys.filter((key) => prefixRange(prefix).matches(encodeKey(key)));
    expect(led("")).toEqual(["", "\0", "z", "\uffff", "\uffff\uffffa"]);
    expect(led([])).toEqual([[], ["a"]]);
    expect(led("\uffff")).toEqual(["\uffff", "\uffff\uffffa"]);
  });

  test.each([1, 1n, true, null, undefined, {}])("%s is no prefix", (prefix) => {
    expect(() => prefixRange(prefix)).toThrow(InvalidKeyError);
  });
});

describe("hashKey", () => {
  test("is an unsigned integer of 32 bits", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const hash = hashKey(text);
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
      }),
    );
  });

  test("has not changed, for nodes of different versions compare digests", () => {
    expect([hashKey(""), hashKey("a"), hashKey("alice"), hashKey(encodeKey(["a", 1]))]).toEqual([
      0, 2362259138, 1697190339, 263961791,
    ]);
  });

  test.each<[string, (index: number) => unknown]>([
    ["numbered strings", (index) => `user-${index}@example.com`],
    ["numbers", (index) => index],
    ["tuples", (index) => ["example.com", `u${index}`, "phone"]],
  ])("spreads %s evenly over 256 buckets by low and by high bits", (_name, keyOf) => {
    const low = new Array<number>(256).fill(0);
    const high = new Array<number>(256).fill(0);
    for (let index = 0; index < 25_600; index++) {
      const hash = hashKey(encodeKey(keyOf(index)));
      low[hash & 255] = (low[hash & 255] ?? 0) + 1;
      high[hash >>> 24] = (high[hash >>> 24] ?? 0) + 1;
    }
    // 100 expected in each, standard deviation 10.
    for (const counts of [low, high]) {
      expect(Math.min(...counts)).toBeGreaterThan(50);
      expect(Math.max(...counts)).toBeLessThan(150);
    }
  });
});
