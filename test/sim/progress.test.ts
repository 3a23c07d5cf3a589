/** How a long search goes on where it was interrupted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Progress } from "./progress.ts";
import { type Piece, SeedQueue } from "./seed-queue.ts";
import type { SeedRun } from "./seed-run.ts";
import { newTotals } from "./totals.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-progress-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const about = { kind: "", from: 100, commit: "abc", startedAt: "2026-01-01T00:00:00.000Z" };

function queueOf(from: number, options: { stopsAtFailure?: boolean } = {}): SeedQueue {
  const { stopsAtFailure = true } = options;
  return new SeedQueue({ from, end: 150, pieceSeeds: 20, totals: newTotals(), stopsAtFailure });
}

function ran({ count }: Piece): SeedRun {
  return { totals: { ...newTotals(), seeds: count, writes: 3 * count }, failures: [] };
}

function failed(piece: Piece): SeedRun {
  const violation = { checker: "rest", message: "no", atMs: 1 } as const;
  return { ...ran(piece), failures: [{ seed: piece.from + 1, violation }] };
}

function take(queue: SeedQueue): Piece {
  const piece = queue.take();
  if (piece === null) throw new Error("nothing left to take");
  return piece;
}

describe("the queue of seeds", () => {
  it("hands each seed out once, the last piece shorter", () => {
    const queue = queueOf(100);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([
      { from: 100, count: 20 },
      { from: 120, count: 20 },
      { from: 140, count: 10 },
      null,
    ]);
  });

  it("counts a piece when all before it are done, whatever the order in which they come back", () => {
    const queue = queueOf(100);
    const [first, second] = [take(queue), take(queue)];
    queue.done(second, ran(second));
    expect([queue.next, queue.totals.writes]).toEqual([100, 0]);
    queue.done(first, ran(first));
    expect([queue.next, queue.totals.writes]).toEqual([140, 120]);
  });

  it("hands nothing out when the time is over, and counts what comes back", () => {
    const queue = queueOf(100);
    const first = take(queue);
    queue.stop();
    expect(queue.take()).toBe(null);
    queue.done(first, ran(first));
    expect([queue.next, queue.totals.seeds]).toEqual([120, 20]);
  });

  it("ends with a failing seed, whose piece is not done", () => {
    const queue = queueOf(100);
    const [first, second] = [take(queue), take(queue)];
    queue.done(first, failed(first));
    queue.done(second, ran(second));
    expect([queue.next, queue.take(), queue.failures.length]).toEqual([100, null, 1]);
  });

  it("goes on after a failing seed where it is to find all of them", () => {
    const queue = queueOf(100, { stopsAtFailure: false });
    const first = take(queue);
    queue.done(first, failed(first));
    expect([queue.next, queue.take(), queue.failures.length]).toEqual([
      120,
      { from: 120, count: 20 },
      1,
    ]);
  });
});

describe("the progress of a search", () => {
  it("is taken up at another commit, with its sums and both sittings", () => {
    const path = join(folder, "progress.json");
    const first = new Progress(path, about);
    expect([first.next, first.totals.seeds]).toEqual([100, 0]);
    first.save(140, { ...newTotals(), seeds: 40, aheadMost: 3 }, 12.4);
    const second = new Progress(path, { ...about, commit: "def" });
    expect([second.next, second.totals.seeds, second.totals.aheadMost]).toEqual([140, 40, 3]);
    second.save(150, { ...second.totals, seeds: 50 }, 2);
    second.save(160, { ...second.totals, seeds: 60 }, 4);
    const { next, totals, sittings } = JSON.parse(readFileSync(path, "utf8"));
    expect([next, totals.seeds]).toEqual([160, 60]);
    expect(sittings).toEqual([
      { commit: "abc", startedAt: about.startedAt, from: 100, seeds: 40, seconds: 12 },
      { commit: "def", startedAt: about.startedAt, from: 140, seeds: 20, seconds: 4 },
    ]);
  });

  it("has zero for what was not counted when the file was written", () => {
    const path = join(folder, "progress.json");
    const file = { kind: "", from: 100, next: 120, totals: { seeds: 20 }, sittings: [] };
    writeFileSync(path, JSON.stringify(file));
    expect(new Progress(path, about).totals).toEqual({ ...newTotals(), seeds: 20 });
  });

  it("of another search is refused by name", () => {
    const path = join(folder, "progress.json");
    new Progress(path, about).save(120, newTotals(), 1);
    const other = { ...about, from: 7, kind: "--long" };
    expect(() => new Progress(path, other)).toThrow("with --from 100, not with --from 7 --long");
  });

  it("is not read from a file of something else", () => {
    const path = join(folder, "progress.json");
    writeFileSync(path, '{"next": 5}');
    expect(() => new Progress(path, about)).toThrow(/has no progress of a search/);
  });
});
