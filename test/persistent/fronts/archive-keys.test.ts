/** Keys that are made for items: unique, and in the order of time as far as clocks allow. */
import { expect, it } from "vitest";
import { ArchiveKeys } from "../../../src/persistent/fronts/archive-keys.ts";

it("makes greater keys from call to call, also when the clock stands or is set back", () => {
  let ms = 1_700_000_000_000;
  const keys = new ArchiveKeys(() => ms, new Uint8Array(8).fill(0xab));
  const made = [keys.next(), keys.next()];
  ms += 1;
  made.push(keys.next());
  ms -= 3_600_000;
  made.push(keys.next(), keys.next());
  expect(made[0]).toBe("060a24181e4000-abababababababab");
  expect(new Set(made).size).toBe(5);
  expect([...made].sort()).toEqual(made);
});

it("makes other keys than another maker at the same time", () => {
  const at = () => 1_700_000_000_000;
  expect(new ArchiveKeys(at).next()).not.toBe(new ArchiveKeys(at).next());
});
