/** Ids of messages: they grow, they come back from text, and bad ones are refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidArgumentError } from "../../../src/errors.ts";
import {
  firstIdAt,
  formatMessageId,
  lastIdAt,
  MESSAGE_ID_MAX,
  MessageIds,
  microsOf,
  nodeOf,
  parseMessageId,
} from "../../../src/persistent/mam/message-ids.ts";

const NOW = 1_800_000_000_000_000n;

describe("ids of messages", () => {
  test("grow on one node whatever its clock does, and carry its number", () => {
    const steps = fc.array(fc.bigInt({ min: -10_000_000n, max: 10_000_000n }), { minLength: 1 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 255 }), (clock, node) => {
        let now = NOW;
        const ids = new MessageIds({ node, nowUs: () => now });
        let last = 0n;
        for (const step of clock) {
          now += step;
          const id = ids.next();
          expect(id).toBeGreaterThan(last);
          expect(nodeOf(id)).toBe(node);
          if (last < firstIdAt(now)) expect(microsOf(id)).toBe(now);
          last = id;
        }
      }),
    );
  });

  test("are never less than one that was seen of another node", () => {
    const ids = new MessageIds({ node: 1, nowUs: () => NOW });
    const seen = lastIdAt(NOW + 5_000n);
    ids.observe(seen);
    expect(ids.next()).toBeGreaterThan(seen);
    ids.observe(firstIdAt(NOW - 1n));
    expect(microsOf(ids.next())).toBe(NOW + 5_002n);
  });

  test("of a clock that is a day ahead are refused, as they would drag all others along", () => {
    const ids = new MessageIds({ node: 1, nowUs: () => NOW });
    expect(() => ids.observe(firstIdAt(NOW + 86_400_000_001n))).toThrow(/ahead of this clock/);
    expect(microsOf(ids.next())).toBe(NOW);
  });

  test.each([0, 256, -1, 1.5, Number.NaN])("are not given by a node of the number %s", (node) => {
    expect(() => new MessageIds({ node, nowUs: () => NOW })).toThrow(InvalidArgumentError);
  });

  test("are not given for a time that an id cannot have", () => {
    const late = new MessageIds({ node: 1, nowUs: () => 2n ** 55n });
    expect(() => late.next()).toThrow(InvalidArgumentError);
  });

  test("come back from their text, each from one text", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MESSAGE_ID_MAX }), (id) => {
        const text = formatMessageId(id);
        expect(text).toMatch(/^[0-9A-V]+$/);
        expect(parseMessageId(text)).toBe(id);
        expect(() => parseMessageId(`0${text}`)).toThrow(InvalidArgumentError);
      }),
    );
    expect(formatMessageId((NOW << 8n) | 7n)).toBe("CP8N52C80007");
  });

  test.each([
    "",
    "W",
    "-1",
    "+1",
    " 1",
    "1 ",
    "a",
    "1.0",
    "8000000000000",
    "VVVVVVVVVVVVVV",
    7,
    null,
  ])("are refused as the text %j", (text) => {
    expect(() => parseMessageId(text)).toThrow(InvalidArgumentError);
  });

  test("of a time are bounded by the first and the last id at it", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 55n - 1n }),
        fc.integer({ min: 0, max: 255 }),
        (us, node) => {
          const id = (us << 8n) | BigInt(node);
          expect(firstIdAt(us)).toBeLessThanOrEqual(id);
          expect(lastIdAt(us)).toBeGreaterThanOrEqual(id);
          expect(microsOf(firstIdAt(us))).toBe(us);
          expect(microsOf(lastIdAt(us))).toBe(us);
        },
      ),
    );
    expect(lastIdAt(2n ** 63n)).toBe(MESSAGE_ID_MAX);
  });
});
