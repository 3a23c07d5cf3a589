/**
 * How far a copy is: on a terminal one line with a bar that is drawn over, elsewhere a line when a
 * walk over a store begins and one now and then.
 */
import { type CopyProgress, labelOf } from "../node/store-tools.ts";
import { type Screen, widthOf } from "./demo/terminal.ts";
import { clip, count, duration } from "./text.ts";

const REDRAW_MS = 100;
const LINE_MS = 10_000;
const BAR_CELLS = 20;
const CLEAR_LINE = "\r\u001b[2K";

export class CopyMeter {
  readonly #screen: Screen;
  readonly #now: () => number;
  #walk = "";
  #walkMs = 0;
  #shownMs = Number.NEGATIVE_INFINITY;

  /** `now` in ms. */
  constructor(screen: Screen, now: () => number) {
    this.#screen = screen;
    this.#now = now;
  }

  /** `users`: how many there will be. */
  show(progress: CopyProgress, users: number): void {
    const { place, pass } = progress;
    const walk = `${pass === 1 ? "copying" : "verifying"} ${labelOf(place)} of ${place.host}`;
    const nowMs = this.#now();
    const isNew = walk !== this.#walk;
    if (isNew) {
      this.#walk = walk;
      this.#walkMs = nowMs;
    }
    const isDrawn = this.#screen.isTTY === true;
    const isDone = progress.users >= users;
    const sinceMs = nowMs - this.#shownMs;
    if (!isNew && !(isDrawn && isDone) && sinceMs < (isDrawn ? REDRAW_MS : LINE_MS)) return;
    this.#shownMs = nowMs;
    const tookMs = Math.max(1, nowMs - this.#walkMs);
    const rate = isNew ? "" : `, ${count((progress.rows / tookMs) * 1_000)} rows a second`;
    const left = isNew || isDone ? "" : `, ${this.#left(progress, users, tookMs)} left`;
    const figures = `${count(progress.users)} of ${count(users)} users, ${count(progress.rows)} rows`;
    const line = `${walk}: ${figures}${rate}${left}`;
    if (!isDrawn) this.#screen.write(`${line}\n`);
    else
      this.#screen.write(
        CLEAR_LINE + clip(`${bar(progress.users, users)} ${line}`, widthOf(this.#screen)),
      );
  }

  /** Clears what was drawn. */
  end(): void {
    if (this.#screen.isTTY === true && this.#walk !== "") this.#screen.write(CLEAR_LINE);
  }

  #left(progress: CopyProgress, users: number, tookMs: number): string {
    return duration((tookMs / Math.max(1, progress.users)) * (users - progress.users));
  }
}

function bar(done: number, all: number): string {
  const cells = all === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.floor((done / all) * BAR_CELLS));
  return `${"█".repeat(cells)}${"░".repeat(BAR_CELLS - cells)}`;
}
