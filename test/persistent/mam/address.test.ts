import { expect, test } from "vitest";
import { InvalidArgumentError, TooLargeError } from "../../../src/errors.ts";
import { formatAddress, parseAddress } from "../../../src/persistent/mam/address.ts";

test.each([
  ["ann@example.com", "ann@example.com", ""],
  ["ann@example.com/phone", "ann@example.com", "phone"],
  ["example.com", "example.com", ""],
  ["example.com/a@b/c d", "example.com", "a@b/c d"],
])("%s is the address of %s with the resource %j", (text, bare, resource) => {
  expect(parseAddress("with", text)).toEqual({ bare, resource });
  expect(formatAddress({ bare, resource })).toBe(text);
});

test.each([
  "",
  "/phone",
  "ann@example.com/",
  "@example.com",
  "ann@",
  "a\0b@c",
  "\ud800@c",
  7,
  null,
])("%j is no address", (given) => {
  expect(() => parseAddress("with", given)).toThrow(InvalidArgumentError);
});

test("an address that is too long is refused, by its bytes", () => {
  const longest = `${"ä".repeat(511)}a@${"b".repeat(1023)}`;
  expect(parseAddress("with", `${longest}/${"r".repeat(1023)}`).bare).toBe(longest);
  expect(() => parseAddress("with", `a${longest}`)).toThrow(TooLargeError);
  expect(() => parseAddress("with", `a@b/${"r".repeat(1024)}`)).toThrow(TooLargeError);
});
