/** Names and values that back ends are known to confuse or to spoil. */
import { compareBytes } from "../contract/byte-order.ts";
import type { StoreValue } from "../contract/store-value.ts";

const LONG = "a".repeat(200);
const LONGEST = "k".repeat(1022);

/** Names that are all different, though many a collation, file system or pattern says otherwise. */
export const DISTINCT_NAMES: readonly string[] = [
  ...["case", "Case", "CASE", "ß", "ss", "SS", "i", "İ", "ı", "ﬁ", "fi"],
  ...["é", "e\u0301", "e", "È", "Å", "\u212b", "Ω", "\u2126"],
  ...["space", "space ", "space  ", " space", "\u00a0space", "tab\t", "line\n", "line\r\n", "\n"],
  ...[
    `${LONG}x`,
    `${LONG}y`,
    LONG,
    `${LONGEST}1`,
    `${LONGEST}2`,
    "ä".repeat(511),
    "🙂".repeat(255),
  ],
  ...["😀", "😁", "\u{10ffff}", "\uffff", "\ue000", "\ud7ff", "\u0001", "\u007f", "\u2028"],
  ...["%", "_", "a%", "a_", "*", "a*", "?", "[a]", "^", "\\", "\\\\", "'", "''", '"', "`", ";--"],
  ...[".", "..", "../up", "a/b", "a", "a\\b", "a:b", "{a}", "{a}:b", "CON", "nul", "a.", "~", "#"],
  ...["0", "00", "0.0", "1e0", "1", "null", "undefined", "true", "$1", "__proto__", "constructor"],
];

/** The same in the order of their bytes. */
export const SORTED_NAMES: readonly string[] = [...DISTINCT_NAMES].sort(compareBytes);

const MEGABYTE = 1024 * 1024;

/** Values of every sort. */
export function sampleValues(): readonly StoreValue[] {
  const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
  const named: StoreValue = JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3,"0":4}');
  return [
    ...[null, true, false, 0, -0, 1, -1.5, 5e-324, 1.7976931348623157e308, 0.1 + 0.2],
    ...[Number.MAX_SAFE_INTEGER, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 64n, 0n, 10n ** 40n],
    ...[
      "",
      " ",
      "text ",
      "line\r\nline\n\r",
      "👍🏽\u{10ffff}\uffff",
      "\u0001\u007f\u2028",
      "\\u0000",
    ],
    ...["'; DROP TABLE x; --", '{"$bigint":"1"}', "null", "%s $1 {{y}}"],
    ...[everyByte, new Uint8Array(0), new Date(0), new Date(-1), new Date(8.64e15)],
    ...[[], {}, [[], [null, [1n]]], { a: { b: [{ c: "d" }] } }, named],
    ...[{ $bigint: "1" }, { $: { $: 1 } }, { $date: 1, x: 2 }, [{ $bytes: "AA==" }]],
    ...["x".repeat(MEGABYTE), "😀".repeat(MEGABYTE / 4), new Uint8Array(MEGABYTE).fill(0xa5)],
  ];
}
