/** A set that is listed in the order of bytes, whatever is added and deleted in between. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { compareBytes } from "../../../src/persistent/contract/byte-order.ts";
import { ByteOrderedSet } from "../../../src/persistent/indexes/byte-ordered-set.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "b", "\ud7ff", "\ue000", "\uffff", "😀"),
  maxLength: 3,
});

it("compares as the bytes of UTF-8 do", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 500 },
  );
});

it("pages through its members in order, as a sorted list does", () => {
  const step = fc.tuple(fc.constantFrom("add", "delete", "page"), text);
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, limit) => {
        const set = new ByteOrderedSet();
        const model = new Set<string>();
        for (const [what, of] of steps) {
          if (what === "add") {
            set.add(of);
            model.add(of);
          } else if (what === "delete") {
            set.delete(of);
            model.delete(of);
          } else {
            const behind = [...model]
              .filter((each) => compareBytes(each, of) > 0)
              .sort(compareBytes);
            expect(set.page(of, limit)).toEqual(behind.slice(0, limit));
          }
        }
        expect(set.page(undefined, 100)).toEqual([...model].sort(compareBytes));
        expect(set.size).toBe(model.size);
      },
    ),
    { numRuns: 500 },
  );
});
