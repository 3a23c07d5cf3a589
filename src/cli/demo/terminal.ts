/**
 * How people follow the demonstration. On a terminal the step under way is one line with a
 * running clock that is drawn over; elsewhere each step is a line when it begins and when it ends.
 */
import { clip, columns, duration, type Paint } from "../text.ts";
import type { Claim, Follower } from "./claims.ts";

const REDRAW_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const COLUMNS_DEFAULT = 100;
const CLEAR_LINE = "\r\u001b[2K";

/** The part of a stream that is used. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Characters that fit into a line. A terminal may not know its size, and says 0. */
export function widthOf(screen: Screen): number {
  return (screen.columns || COLUMNS_DEFAULT) - 1;
}

/** See the head of this file. */
export class TerminalFollower implements Follower {
  readonly #screen: Screen;
  readonly #paint: Paint;
  #claim = "";
  #detail = "";
  #sinceMs = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(screen: Screen, paint: Paint) {
    this.#screen = screen;
    this.#paint = paint;
  }

  began(claim: string): void {
    this.#claim = claim;
    this.#detail = "";
    this.#sinceMs = performance.now();
    if (this.#screen.isTTY !== true) {
      this.#screen.write(`… ${claim}\n`);
      return;
    }
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
  }

  detail(text: string): void {
    this.#detail = text;
    if (this.#screen.isTTY === true) this.#draw();
  }

  ended(claim: Claim, lines: readonly string[]): void {
    this.quiet();
    const { green, red, dim } = this.#paint;
    const mark = claim.ok ? green("✔") : red("✘");
    const measured = claim.ok ? claim.measured : red(claim.measured);
    this.#screen.write(`${mark} ${claim.claim}: ${measured}\n`);
    for (const line of lines) this.#screen.write(`${dim(`    ${line}`)}\n`);
  }

  /** Stops drawing and clears the line of the step under way. */
  quiet(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#screen.write(CLEAR_LINE);
  }

  #draw(): void {
    if (this.#claim === "") return;
    const { cyan, dim } = this.#paint;
    const frame = FRAMES[this.#frame++ % FRAMES.length] ?? "";
    const clock = duration(performance.now() - this.#sinceMs);
    const width = widthOf(this.#screen);
    const line = `${cyan(frame)} ${this.#claim}  ${dim(`${clock}  ${this.#detail}`)}`;
    this.#screen.write(CLEAR_LINE + clip(line, width));
  }
}

/** The table at the end: claim, measured, ok or failed. */
export function claimTable(claims: readonly Claim[], paint: Paint): readonly string[] {
  const rows = claims.map(({ claim, measured, ok }) => [
    ok ? paint.green("ok") : paint.red("failed"),
    claim,
    measured,
  ]);
  return columns([["", "claim", "measured"].map(paint.bold), ...rows]);
}
