/** What is given to a store is checked in bytes, and refused with what is allowed. */
import { describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidKeyError, TooLargeError } from "../../../src/errors.ts";
import {
  checkCount,
  checkFilter,
  checkHost,
  checkKey,
  checkQuery,
  checkStoreName,
  checkTimeout,
  checkUser,
  checkWhen,
  checkWith,
} from "../../../src/persistent/contract/inputs.ts";

describe("names", () => {
  it("are taken up to their limit in bytes of UTF-8", () => {
    checkHost("ä".repeat(127));
    checkKey("k".repeat(1023));
    checkKey("\u{1F600}".repeat(255));
    checkWith("");
    checkStoreName(`a${"9".repeat(99)}`);
    expect(checkUser(`${"ß".repeat(511)}x`)).toHaveLength(512);
    expect(checkUser(null)).toBe("");
    expect(() => checkHost("ä".repeat(128))).toThrow(TooLargeError);
    expect(() => checkKey("k".repeat(1024))).toThrow(/key "kkkk.*…" has 1024 bytes; allowed/);
    expect(() => checkKey("\u{1F600}".repeat(256))).toThrow(TooLargeError);
    expect(() => checkUser("ß".repeat(512))).toThrow(TooLargeError);
    expect(() => checkWith("w".repeat(1024))).toThrow(TooLargeError);
  });

  it("are refused when they are empty, no string, or no well-formed text", () => {
    expect(() => checkUser("")).toThrow(InvalidArgumentError);
    expect(() => checkUser(undefined)).toThrow(/user is undefined; allowed .* or null/);
    expect(() => checkKey("")).toThrow(InvalidKeyError);
    expect(() => checkKey("a\0")).toThrow(/key is "a\\u0000"; allowed/);
    expect(() => checkKey("\udc00")).toThrow(InvalidKeyError);
    expect(() => checkHost(7)).toThrow(InvalidArgumentError);
    for (const name of ["", "Roster", "9a", "a b", "ä", `a${"b".repeat(100)}`, undefined]) {
      expect(() => checkStoreName(name)).toThrow(InvalidArgumentError);
    }
  });
});

describe("numbers", () => {
  it("are taken within their range", () => {
    checkWhen("when", 0n);
    checkWhen("when", 2n ** 63n - 1n);
    checkCount("limit", 0, 5);
    checkTimeout(0.5);
    for (const when of [-1n, 2n ** 63n, 1, undefined, "1"]) {
      expect(() => checkWhen("when", when)).toThrow(InvalidArgumentError);
    }
    for (const count of [-1, 6, 1.5, Number.NaN, 1n, undefined]) {
      expect(() => checkCount("limit", count, 5)).toThrow(/allowed are integers from 0 to 5/);
    }
    for (const ms of [0, -1, Number.NaN, Infinity, "1"]) {
      expect(() => checkTimeout(ms)).toThrow(InvalidArgumentError);
    }
  });
});

describe("queries", () => {
  it("are taken with any of their members", () => {
    checkQuery({});
    checkQuery({ key: "k", keys: [], with: "w", start: 0n, end: 5n, before: "a", after: "b" });
    checkQuery({ limit: 10_000, reverse: true, total: false, with: undefined });
  });

  it.each([
    [null, /query is null/],
    [{ limit: 10_001 }, /limit is 10001; allowed are integers from 0 to 10000/],
    [{ reverse: 1 }, /reverse is 1; allowed are true and false/],
    [{ start: 5 }, /start is 5; allowed is a bigint/],
    [{ keys: "a" }, /keys is "a"; allowed is an array/],
    [{ after: "" }, /key is empty/],
    [{ offset: 3 }, /unknown member "offset"; known are key, keys/],
  ])("are refused: %o", (query, message) => {
    expect(() => checkQuery(query)).toThrow(message);
  });

  it("of deletions have no limit, and of keys at most 1,000", () => {
    expect(() => checkFilter({ limit: 5 })).toThrow(/filter has the unknown member "limit"/);
    expect(() => checkFilter({ keys: new Array(1001).fill("a") })).toThrow(TooLargeError);
  });
});
