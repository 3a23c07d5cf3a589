/** Stores in memory. */
import { expect, it } from "vitest";
import { InvalidOptionsError } from "../../../src/errors.ts";
import { MemoryAdapter } from "../../../src/persistent/adapters/memory/memory-adapter.ts";
import { adapterSuite } from "./suite.ts";

adapterSuite("memory", {
  make: async () => ({ adapter: new MemoryAdapter({ archiveItemsMax: 2000 }) }),
  rounds: 300,
  exempt: [
    "adapter: keeps everything over a restart, the order of archives and the kinds too",
    "adapter: refuses calls on the stores of an adapter that was closed",
  ],
});

it("has a quota of 1,000 items for each user's archive unless told otherwise", () => {
  expect(new MemoryAdapter().capabilities.archiveItemsMax).toBe(1000);
  expect(() => new MemoryAdapter({ archiveItemsMax: 0 })).toThrow(InvalidOptionsError);
});
