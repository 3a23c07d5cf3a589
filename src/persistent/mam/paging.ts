/**
 * Pages of an archive (XEP-0059), planned: which rows to ask for, what of them is the page, and
 * what has to be counted. Pure; the caller asks the database.
 *
 * Every filter by id and by time is one span of ids, and so is every count. A page that begins at
 * an id is read with that id in it: if it is there, one question has shown both that it exists
 * and what follows. One row more than the page tells whether something follows.
 */
import { InvalidArgumentError } from "../../errors.ts";
import { checkMessageId } from "./message-ids.ts";

/** Ids from `low` to `high`, both of them included; empty if `low` is greater. */
export interface Span {
  readonly low: bigint;
  readonly high: bigint;
}

/** Which page. `before`, `after` and `index` exclude one another; without any, the first one. */
export interface PageRequest {
  /** Messages of the page. Default and limit: the archive's page size. 0: only count. */
  readonly max?: number;
  /** The page that ends in front of this message; "end": the last page. */
  readonly before?: bigint | "end";
  /** The page that begins behind this message. */
  readonly after?: bigint;
  /** The page that begins with the message of this number, from 0. */
  readonly index?: number;
}

/** What to ask for. */
export interface PagePlan {
  /** All that the filter selects by id. */
  readonly filter: Span;
  /** What the page is taken of. */
  readonly span: Span;
  /** From the greatest id down. */
  readonly isReverse: boolean;
  /** Rows to leave out first. */
  readonly skip: number;
  /** Rows to ask for; 0: nothing is to be asked. */
  readonly limit: number;
  /** Most messages of the page. */
  readonly max: number;
  /** A message that must exist; if it comes as the first row, it does, and is not of the page. */
  readonly reference: bigint | undefined;
  readonly isCounted: boolean;
}

/** A page, and what is to be counted for it. */
export interface PageTaken<Row> {
  /** In ascending order. */
  readonly rows: readonly Row[];
  /** Nothing follows in the direction of the page; undefined: as many as are counted say so. */
  readonly isComplete: boolean | undefined;
  /** The row of the reference was not seen: it must be looked for. */
  readonly isReferenceMissing: boolean;
  /** What is in front of the page: a number, or to be counted. */
  readonly before: number | Span;
  /** What is behind it. */
  readonly behind: number | Span;
}

const INDEX_MAX = 2 ** 31 - 1;

/** @throws InvalidArgumentError */
export function checkPageRequest(page: PageRequest): void {
  const { max, before, after, index } = page;
  const forms = [before, after, index].filter((form) => form !== undefined);
  if (forms.length > 1) {
    throw new InvalidArgumentError(
      `page has ${forms.length} of before, after and index; allowed is one of them`,
    );
  }
  if (before !== undefined && before !== "end") checkMessageId("before", before);
  if (after !== undefined) checkMessageId("after", after);
  checkNumber("index", index, INDEX_MAX);
  checkNumber("max", max, INDEX_MAX);
}

/** Plans a page of what `filter` selects. */
export function planPage(
  filter: Span,
  request: PageRequest,
  options: { readonly pageSize: number; readonly isCounted: boolean },
): PagePlan {
  const max = Math.min(request.max ?? options.pageSize, options.pageSize);
  const base = { filter, max, isCounted: options.isCounted };
  const limit = max + 1;
  if (request.after !== undefined) {
    const span = { low: greater(filter.low, request.after), high: filter.high };
    return { ...base, span, isReverse: false, skip: 0, ...byId(span, request.after, limit) };
  }
  if (request.before !== undefined && request.before !== "end") {
    const span = { low: filter.low, high: lesser(filter.high, request.before) };
    return { ...base, span, isReverse: true, skip: 0, ...byId(span, request.before, limit) };
  }
  const isEmpty = filter.low > filter.high || (max === 0 && options.isCounted);
  return {
    ...base,
    span: filter,
    isReverse: request.before === "end",
    skip: request.index ?? 0,
    limit: isEmpty ? 0 : limit,
    reference: undefined,
  };
}

/** Takes the page out of the rows that the plan asked for, in the order in which they came. */
export function takePage<Row extends { readonly id: bigint }>(
  plan: PagePlan,
  found: readonly Row[],
): PageTaken<Row> {
  const isSeen = plan.reference !== undefined && found[0]?.id === plan.reference;
  const rest = isSeen ? found.slice(1) : found;
  const rows = rest.slice(0, plan.max);
  if (plan.isReverse) rows.reverse();
  const isAsked = plan.limit > 0 || plan.span.low > plan.span.high;
  const isComplete = isAsked ? rest.length <= plan.max : undefined;
  const isReferenceMissing = plan.reference !== undefined && !isSeen;
  return { rows, isComplete, isReferenceMissing, ...countsOf(plan, rows, isComplete) };
}

/** What the counts make of the page. */
export function placePage(
  plan: PagePlan,
  taken: PageTaken<unknown>,
  counts: { readonly before: number; readonly behind: number },
): { readonly total: number; readonly offset: number | undefined; readonly isComplete: boolean } {
  const total = counts.before + taken.rows.length + counts.behind;
  return {
    total,
    offset: taken.rows.length === 0 ? undefined : counts.before,
    isComplete: taken.isComplete ?? total <= plan.skip,
  };
}

function byId(span: Span, reference: bigint, limit: number) {
  const isInside = span.low <= reference && reference <= span.high;
  return { reference, limit: span.low > span.high ? 0 : limit + (isInside ? 1 : 0) };
}

function countsOf<Row extends { readonly id: bigint }>(
  plan: PagePlan,
  rows: readonly Row[],
  isComplete: boolean | undefined,
): { readonly before: number | Span; readonly behind: number | Span } {
  if (!plan.isCounted) return { before: 0, behind: 0 };
  const { filter, skip, reference, isReverse } = plan;
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined) {
    const isNothing = isComplete === true && reference === undefined && skip === 0;
    return { before: isNothing ? 0 : filter, behind: 0 };
  }
  const front = { low: filter.low, high: first.id - 1n };
  const back = { low: last.id + 1n, high: filter.high };
  if (isReverse) {
    return { before: isComplete ? 0 : front, behind: reference === undefined ? 0 : back };
  }
  return { before: reference === undefined ? skip : front, behind: isComplete ? 0 : back };
}

function checkNumber(name: string, given: number | undefined, most: number): void {
  if (given === undefined || (Number.isInteger(given) && given >= 0 && given <= most)) return;
  throw new InvalidArgumentError(`${name} is ${given}; allowed are integers from 0 to ${most}`);
}

/** The greater of two ids. */
export function greater(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}

/** The lesser of two ids. */
export function lesser(left: bigint, right: bigint): bigint {
  return left < right ? left : right;
}
