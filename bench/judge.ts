/**
 * How a run's figures are judged by the goals. Where a target is a multiple of CETS's figure,
 * which was measured on another machine, that figure is first scaled to this one by a peer that
 * was measured on both: CETS here = CETS there × peer here ÷ peer there.
 */
import { type Figure, findFigure, type Place, timesBetter, type What } from "./figure.ts";
import { GOALS, type Goal } from "./goals.ts";

/** A goal and what a run says of it. */
export interface Judged {
  readonly goal: Goal;
  readonly what: What;
  readonly ours: Figure | undefined;
  readonly peer: Figure | undefined;
  /** CETS's figure scaled to this machine; NaN where nothing can scale it. */
  readonly cetsHere: number;
  /** No more can be expected, in the figure's unit; NaN where nothing says so. */
  readonly floor: number;
  /** What had to be reached, in the figure's unit; NaN if the peer it is measured by is missing. */
  readonly target: number;
  /** Undefined: it was not run, or its peer was not. */
  readonly isReached: boolean | undefined;
}

/** What these figures say of all goals, in their order. */
export function judge(figures: readonly Figure[]): Judged[] {
  return GOALS.map((goal) => judgeOne(goal, figures));
}

function judgeOne(goal: Goal, figures: readonly Figure[]): Judged {
  const places = Array.isArray(goal.ours) ? goal.ours : [goal.ours];
  const [first] = places;
  if (!first) throw new Error(`nothing is measured by "${goal.title}"`);
  const what: What = first.what;
  const ours = worst(what, places, figures);
  const peer = goal.peer && findFigure(figures, goal.peer);
  const { cets = Number.NaN, peerThere = Number.NaN } = goal;
  const cetsHere = (cets * (peer?.value ?? Number.NaN)) / peerThere;
  const target = targetOf(goal, { what, peer, cetsHere });
  const isJudged = ours !== undefined && Number.isFinite(target);
  return {
    goal,
    what,
    ours,
    peer,
    cetsHere,
    floor: floorOf(goal, what, figures),
    target,
    isReached: isJudged ? timesBetter(what, ours.value, target) >= 1 : undefined,
  };
}

function worst(
  what: What,
  places: readonly Place[],
  figures: readonly Figure[],
): Figure | undefined {
  let found: Figure | undefined;
  for (const place of places) {
    const figure = findFigure(figures, place);
    if (!figure) continue;
    if (!found || timesBetter(what, figure.value, found.value) < 1) found = figure;
  }
  return found;
}

function floorOf({ floor }: Goal, what: What, figures: readonly Figure[]): number {
  const value = (floor && findFigure(figures, floor.place)?.value) ?? Number.NaN;
  const { times = 1 } = floor ?? {};
  return timesBetter(what, 2, 1) > 1 ? value / times : value * times;
}

function targetOf(
  { cets = Number.NaN, timesCets, timesPeer, most = Number.NaN }: Goal,
  here: { what: What; peer: Figure | undefined; cetsHere: number },
): number {
  // So many times better than 1 of its unit, turned around where less is better.
  const better = (base: number, times: number) =>
    timesBetter(here.what, times, 1) >= 1 ? base * times : base / times;
  if (timesPeer !== undefined) return better(here.peer?.value ?? Number.NaN, timesPeer);
  if (timesCets === undefined) return most;
  return better(Number.isFinite(here.cetsHere) ? here.cetsHere : cets, timesCets);
}
