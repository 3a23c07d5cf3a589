/** The goals of a run as a table, which is what RESULTS.md begins and a run ends with. */
import { type Figure, show, timesBetter } from "./figure.ts";
import { type Sheet, table, times } from "./format.ts";
import { type Judged, judge } from "./judge.ts";

/** The lines that come from the design; the others measure Skein by Redis. */
const LINES = 12;

/** Heading, table and what they add up to. */
export function goalsMarkdown(figures: readonly Figure[]): string {
  const judged = judge(figures);
  return [
    "## Goals",
    "One row for each figure. A line with several is reached when all of them are. The peer is " +
      "of the same run: Mnesia, for reads ETS, for the last lines Redis. CETS was measured on " +
      "another machine, and so was that peer; “CETS here” is CETS's figure there × the peer's " +
      "here ÷ the peer's there, and a target in multiples of CETS means that one, or CETS's " +
      "own figure where the peer has none. “×” says how many times better Skein is. The floor is " +
      "what a program reaches in the same run that does less than is asked: for one set an " +
      "echo of ws, for many a copy of Maps over ws without order, checks and conflicts, for " +
      "insertNew the three messages that it takes one after another, for get a bare Map, for a " +
      "killed peer the moment when the kernel closes its sockets. A target beyond its floor is out " +
      "of reach here for what is built like Skein, in JavaScript on ws and msgpackr.",
    table(goalsSheet(judged)),
    summary(judged),
  ].join("\n\n");
}

function goalsSheet(judged: readonly Judged[]): Sheet {
  return {
    caption: "",
    head: [
      "line",
      "what",
      "target",
      "Skein",
      "reached",
      "floor",
      "peer",
      "× peer",
      "CETS there",
      "CETS here",
      "× CETS here",
    ],
    rows: judged.map((each) => {
      const { goal, what, ours, peer, cetsHere } = each;
      const value = ours?.value ?? Number.NaN;
      const better = (other: number) => times(timesBetter(what, value, other));
      return [
        String(goal.line),
        goal.title,
        targetText(each),
        ours ? show(what, value) : "not run",
        reachedText(each),
        show(what, each.floor),
        peer ? `${peer.side} ${show(what, peer.value)}` : "–",
        better(peer?.value ?? Number.NaN),
        goal.cets === undefined ? "–" : show(what, goal.cets),
        show(what, cetsHere),
        better(cetsHere),
      ];
    }),
  };
}

function targetText({ goal, what, target }: Judged): string {
  const { timesCets, timesPeer } = goal;
  const sign = timesBetter(what, 2, 1) > 1 ? "≥" : "≤";
  const value = Number.isFinite(target) ? `${sign} ${show(what, target)}` : "–";
  if (timesCets !== undefined) return `${timesCets}× CETS: ${value}`;
  return timesPeer === undefined ? value : `${timesPeer}× peer: ${value}`;
}

function reachedText(each: Judged): string {
  const { isReached, ours } = each;
  if (isReached === undefined) return ours ? "no peer" : "not run";
  if (isReached) return "yes";
  return isBeyondFloor(each) ? "**no**, nor is the floor" : "**no**";
}

/** Whether not even what does less reaches the target. */
function isBeyondFloor({ what, floor, target }: Judged): boolean {
  return timesBetter(what, floor, target) < 1;
}

/** How many of the twelve lines are reached, and whether CETS is beaten where it can be scaled. */
function summary(judged: readonly Judged[]): string {
  const lines = Array.from({ length: LINES }, (_, index) =>
    judged.filter(({ goal }) => goal.line === index + 1),
  );
  const reached = lines.filter((line) => line.every(({ isReached }) => isReached === true));
  const missed = lines.filter((line) => line.some(({ isReached }) => isReached === false));
  const beyond = missed.filter((line) =>
    line.some((each) => !each.isReached && isBeyondFloor(each)),
  );
  const open = LINES - reached.length - missed.length;
  const scaled = judged.filter(({ cetsHere, ours }) => ours && Number.isFinite(cetsHere));
  const beaten = scaled.filter(({ what, ours, cetsHere }) => {
    return timesBetter(what, ours?.value ?? Number.NaN, cetsHere) > 1;
  });
  return [
    `Of ${LINES} lines ${reached.length} are reached, ${missed.length} are not, ` +
      `${open} were not run in full. Of those that are not, ${beyond.length} ask for more than ` +
      "their floor.",
    `CETS's figure, scaled to this machine, is beaten in ${beaten.length} of ${scaled.length} rows.`,
  ].join(" ");
}
