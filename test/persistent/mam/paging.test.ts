/** Plans of pages against a plain array: what XEP-0059 says, computed by slicing. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { InvalidArgumentError } from "../../../src/errors.ts";
import {
  checkPageRequest,
  type PageRequest,
  placePage,
  planPage,
  type Span,
  takePage,
} from "../../../src/persistent/mam/paging.ts";

interface Row {
  readonly id: bigint;
  readonly isSelected: boolean;
}

/** What the planned questions give when an array is asked. Undefined: not found. */
function ask(
  rows: readonly Row[],
  filter: Span,
  request: PageRequest,
  options: { readonly pageSize: number; readonly isCounted: boolean },
) {
  const within = ({ low, high }: Span) =>
    rows.filter((row) => row.isSelected && row.id >= low && row.id <= high);
  const plan = planPage(filter, request, options);
  const inOrder = within(plan.span);
  if (plan.isReverse) inOrder.reverse();
  const taken = takePage(plan, inOrder.slice(plan.skip, plan.skip + plan.limit));
  if (taken.isReferenceMissing && !rows.some(({ id }) => id === plan.reference)) return undefined;
  const ids = taken.rows.map(({ id }) => id);
  if (!options.isCounted) return { ids, isComplete: taken.isComplete };
  const count = (what: number | Span) => (typeof what === "number" ? what : within(what).length);
  const counts = { before: count(taken.before), behind: count(taken.behind) };
  return { ids, ...placePage(plan, taken, counts) };
}

/** The same by definition. */
function oracle(
  rows: readonly Row[],
  filter: Span,
  request: PageRequest,
  options: { readonly pageSize: number; readonly isCounted: boolean },
) {
  const all = rows.filter(({ id, isSelected }) => {
    return isSelected && id >= filter.low && id <= filter.high;
  });
  const max = Math.min(request.max ?? options.pageSize, options.pageSize);
  const { before, after, index } = request;
  for (const reference of [before, after]) {
    if (typeof reference !== "bigint") continue;
    if (!rows.some(({ id }) => id === reference)) return undefined;
  }
  let from = index ?? 0;
  let to = from + max;
  let follows = all.length - from > max;
  if (before !== undefined) {
    to = before === "end" ? all.length : all.filter(({ id }) => id < before).length;
    from = Math.max(0, to - max);
    follows = from > 0;
  } else if (after !== undefined) {
    from = all.filter(({ id }) => id <= after).length;
    to = from + max;
    follows = to < all.length;
  }
  const page = all.slice(from, to);
  const simple = { ids: page.map(({ id }) => id), isComplete: !follows };
  if (!options.isCounted) return simple;
  return { ...simple, total: all.length, offset: page.length === 0 ? undefined : from };
}

const id = fc.bigInt({ min: 0n, max: 40n });
const request: fc.Arbitrary<PageRequest> = fc
  .record({
    max: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    form: fc.oneof(
      fc.constant({}),
      fc.constant({ before: "end" as const }),
      id.map((before) => ({ before })),
      id.map((after) => ({ after })),
      fc.integer({ min: 0, max: 30 }).map((index) => ({ index })),
    ),
  })
  .map(({ max, form }) => (max === undefined ? form : { ...form, max }));

test("a planned page is the page that XEP-0059 defines, counted or not, and so are the counts", () => {
  const rows = fc.uniqueArray(fc.record({ id, isSelected: fc.boolean() }), {
    selector: (row) => row.id,
    maxLength: 30,
  });
  fc.assert(
    fc.property(
      rows,
      fc.record({ low: id, high: id }),
      request,
      fc.record({ pageSize: fc.integer({ min: 1, max: 6 }), isCounted: fc.boolean() }),
      (unsorted, filter, page, options) => {
        const sorted = [...unsorted].sort((left, right) => (left.id < right.id ? -1 : 1));
        checkPageRequest(page);
        expect(ask(sorted, filter, page, options)).toEqual(oracle(sorted, filter, page, options));
      },
    ),
    { numRuns: 3000 },
  );
});

test("a page by an id that is there takes one question", () => {
  const plan = planPage(
    { low: 0n, high: 99n },
    { after: 7n, max: 2 },
    { pageSize: 50, isCounted: false },
  );
  expect(plan).toMatchObject({ span: { low: 7n, high: 99n }, limit: 4, isReverse: false });
  const taken = takePage(
    plan,
    [7n, 8n, 9n].map((each) => ({ id: each })),
  );
  expect(taken).toMatchObject({
    isReferenceMissing: false,
    isComplete: true,
    before: 0,
    behind: 0,
  });
});

test.each([
  { before: 1n, after: 1n },
  { before: "end" as const, index: 0 },
  { max: -1 },
  { max: 1.5 },
  { index: -1 },
  { after: -1n },
  { before: 2n ** 63n },
])("the page %o is refused", (page) => {
  expect(() => checkPageRequest(page)).toThrow(InvalidArgumentError);
});
