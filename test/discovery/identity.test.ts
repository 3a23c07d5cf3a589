import { expect, test } from "vitest";
import { selfIdentity } from "../../src/discovery/identity.ts";
import { UnsupportedError } from "../../src/errors.ts";
import type { Clock, Random } from "../../src/runtime.ts";

function at(iso: string): Clock {
  const wall = Date.parse(iso);
  return { wall: () => wall, now: () => 0, after: () => ({ cancel() {} }), defer() {} };
}

function rolling(float: number): Random {
  return { float: () => float, bytes: (size) => new Uint8Array(size) };
}

test("an origin made without a database stays a safe integer until 2089", () => {
  const { origin, nodeNumber } = selfIdentity(at("2089-01-01T00:00:00Z"), rolling(0.9999999));
  expect(Number.isSafeInteger(origin)).toBe(true);
  expect(nodeNumber).toBe(0);
});

test("a restart one millisecond later always gets a greater origin", () => {
  const before = selfIdentity(at("2026-05-01T10:00:00.000Z"), rolling(0.9999999));
  const after = selfIdentity(at("2026-05-01T10:00:00.001Z"), rolling(0));
  expect(after.origin).toBeGreaterThan(before.origin);
});

test("two starts in one millisecond differ by chance", () => {
  const clock = at("2026-05-01T10:00:00.000Z");
  expect(selfIdentity(clock, rolling(0.1)).origin).not.toBe(
    selfIdentity(clock, rolling(0.2)).origin,
  );
});

test.each(["2019-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2095-01-01T00:00:00Z"])(
  "a clock that shows %s is refused by name",
  (iso) => {
    expect(() => selfIdentity(at(iso), rolling(0.5))).toThrow(UnsupportedError);
  },
);
