/** Names of files stay apart on every file system. */
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  fileNameOf,
  folderNameOf,
  userOfFile,
} from "../../../../src/persistent/adapters/file/file-names.ts";
import { DISTINCT_NAMES } from "../../../../src/persistent/conformance/samples.ts";
import { storeText } from "../../contract/values.ts";

it("are short, plain, and apart also where case and accents are folded", () => {
  const names = DISTINCT_NAMES.map(fileNameOf);
  expect(new Set(names.map((name) => name.toLowerCase().normalize("NFD"))).size).toBe(names.length);
  for (const name of [...names, ...DISTINCT_NAMES.map(folderNameOf)]) {
    expect(name).toMatch(/^[a-z0-9_%@-]+$/);
    expect(name.length).toBeLessThan(250);
  }
  expect(fileNameOf("con")).toBe("u-con");
  expect(fileNameOf("../Up")).toBe("u-%2e%2e%2f%55p");
});

it("tell the user again, unless they are long", () => {
  fc.assert(
    fc.property(storeText, (user) => {
      const found = userOfFile(fileNameOf(user));
      if (found !== "unknown") expect(found).toEqual({ user });
      else expect(Buffer.byteLength(user)).toBeGreaterThan(50);
    }),
  );
  expect(userOfFile(fileNameOf("ä".repeat(400)))).toBe("unknown");
  expect(userOfFile("place")).toBe(undefined);
  expect(userOfFile("u-%zz")).toBe(undefined);
});
