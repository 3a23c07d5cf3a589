import { expect, test } from "vitest";
import { FunctionDiscovery, type GetNodes } from "../../src/discovery/function.ts";
import { UnavailableError } from "../../src/errors.ts";

function ask(getNodes: () => unknown) {
  return new FunctionDiscovery({ getNodes: getNodes as GetNodes }).getNodes();
}

test("the function may answer at once or later", async () => {
  expect(await ask(() => ["ws://a:1", "ws://a:1"])).toEqual([{ address: "ws://a:1" }]);
  expect(await ask(async () => ["ws://a:1"])).toEqual([{ address: "ws://a:1" }]);
});

test.each<[string, () => unknown, string]>([
  [
    "throws",
    () => {
      throw new Error("boom");
    },
    "getNodes() failed: boom",
  ],
  ["rejects", () => Promise.reject(new Error("boom")), "getNodes() failed: boom"],
  ["rejects with no error", () => Promise.reject("boom"), "getNodes() failed: boom"],
  ["returns nothing", () => undefined, "returned undefined, allowed is an array"],
  ["returns a text", () => "ws://a:1", "returned string, allowed is an array"],
  ["returns what is no address", () => ["ws://a:1", { address: 1 }], "[1] that is of type object"],
  ["returns too much", () => Array.from({ length: 10_001 }, () => "x"), "returned 10001 addresses"],
])("a function that %s makes a typed error", async (_, getNodes, message) => {
  const refused = ask(getNodes);
  await expect(refused).rejects.toBeInstanceOf(UnavailableError);
  await expect(refused).rejects.toThrow(message);
});
