/**
 * Who is counted as alive. Pure: it is told what was heard and when, and judges at each tick.
 *
 *   (unknown) --learned--> suspect --heard or linked--> alive --unlinked--> suspect
 *   alive or suspect --silent, refused--> down --heard or linked--> alive
 *
 * Who is killed is found out within milliseconds: its links are closed, and its host refuses the
 * redial. A refusal is that sure only where this very incarnation was found before, right after
 * its link was lost, and if nobody in reach has a link to it; else it shortens the wait.
 *
 * Intuition: silence is measured on a clock that stands still while this node itself does not
 * run. A tick that comes late counts for little, and judges nobody: first the sockets are
 * read, in which the beats of the others may be waiting. The tick after it judges again,
 * however late it is, for between two ticks the sockets were read.
 */
import type { MemberState } from "./cluster-events.ts";

/** The waits that decide, ms. See ClusterTimings. */
export interface DetectorTimings {
  readonly pingMs: number;
  readonly downMs: number;
  readonly refusedDownMs: number;
}

/** What a tick found: a member is down, or just its link carries nothing any more. */
export interface DetectorFinding {
  readonly origin: number;
  readonly kind: "silent" | "refused" | "link silent";
}

interface Watched {
  state: MemberState;
  /** Announced as up, and not as down since. */
  counted: boolean;
  linked: boolean;
  /** All times are of the judge's clock. */
  heardAt: number;
  linkHeardAt: number;
  refusedAt: number | undefined;
  downAt: number;
  /** Its link was lost, and nothing was heard of it since. */
  isCutOff: boolean;
}

/** Ticks that `tick` expects within each ping interval. */
export const TICKS_PER_PING = 4;
/** One tick counts for at most this many ping intervals. */
const TICK_PINGS_MAX = 1.5;
/** A tick later than this many ping intervals tells of a stall: twice what is expected. */
const STALL_PINGS = 2 / TICKS_PER_PING;
const NOBODY: readonly number[] = [];

export class FailureDetector {
  readonly #timings: DetectorTimings;
  readonly #watched = new Map<number, Watched>();
  /** Cut off, and refused where they were found before: down as soon as nobody vouches for them. */
  readonly #vacant = new Set<number>();
  readonly #tickMsMax: number;
  #judgedTime = 0;
  #lastTick: number;
  #skippedLast = false;

  constructor(timings: DetectorTimings, now: number) {
    this.#timings = timings;
    this.#tickMsMax = TICK_PINGS_MAX * timings.pingMs;
    this.#lastTick = now;
  }

  state(origin: number): MemberState {
    return this.#watched.get(origin)?.state ?? "down";
  }

  /** Whether it was announced as up, and not as down since. */
  isCounted(origin: number): boolean {
    return this.#watched.get(origin)?.counted ?? false;
  }

  heardMsAgo(origin: number, now: number): number {
    const watched = this.#watched.get(origin);
    return watched === undefined ? 0 : this.#time(now) - watched.heardAt;
  }

  /** For how long it has been down, 0 if it is not. */
  downMs(origin: number, now: number): number {
    const watched = this.#watched.get(origin);
    return watched?.state === "down" ? this.#time(now) - watched.downAt : 0;
  }

  /** All that are watched. */
  watched(): IterableIterator<number> {
    return this.#watched.keys();
  }

  /** Somebody told of it; whether it lives shows when its beat rises. */
  learned(origin: number, now: number): void {
    if (!this.#watched.has(origin)) this.#watched.set(origin, newlyWatched(this.#time(now)));
  }

  /** Its beat rose, or a frame of its own came. True if it is counted from now on. */
  heard(origin: number, now: number): boolean {
    const watched = this.#watched.get(origin);
    if (watched === undefined) return false;
    watched.heardAt = this.#time(now);
    watched.refusedAt = undefined;
    watched.isCutOff = false;
    this.#vacant.delete(origin);
    watched.state = "alive";
    const cameUp = !watched.counted;
    watched.counted = true;
    return cameUp;
  }

  /** A frame came over its link. */
  linkHeard(origin: number, now: number): void {
    const watched = this.#watched.get(origin);
    if (watched === undefined) return;
    watched.linkHeardAt = this.#time(now);
    this.heard(origin, now);
  }

  /** A handshake was done with it. True if it is counted from now on. */
  linked(origin: number, now: number): boolean {
    this.learned(origin, now);
    const watched = this.#watched.get(origin);
    if (watched === undefined) return false;
    watched.linked = true;
    watched.linkHeardAt = this.#time(now);
    return this.heard(origin, now);
  }

  /** Its link is closed. */
  unlinked(origin: number): void {
    const watched = this.#watched.get(origin);
    if (watched === undefined) return;
    watched.linked = false;
    watched.isCutOff = true;
    if (watched.state === "alive") watched.state = "suspect";
  }

  /** Its host said that nobody listens at its address. `wasFound`: it was found there before. */
  refused(origin: number, about: { readonly now: number; readonly wasFound: boolean }): void {
    const watched = this.#watched.get(origin);
    if (watched === undefined || watched.linked) return;
    watched.refusedAt ??= this.#time(about.now);
    if (about.wasFound && watched.isCutOff && watched.counted) this.#vacant.add(origin);
  }

  /** Stops watching. True if it was counted. */
  forget(origin: number): boolean {
    const counted = this.isCounted(origin);
    this.#watched.delete(origin);
    this.#vacant.delete(origin);
    return counted;
  }

  /**
   * Judges. Call it TICKS_PER_PING times per ping interval. `isVouched` says whether a member in
   * reach claims a link to that origin: a refusal to us alone is then no sign of death.
   */
  tick(now: number, isVouched: (origin: number) => boolean): readonly DetectorFinding[] {
    const elapsed = now - this.#lastTick;
    this.#judgedTime += Math.min(elapsed, this.#tickMsMax);
    this.#lastTick = now;
    const skip = elapsed > STALL_PINGS * this.#timings.pingMs && !this.#skippedLast;
    this.#skippedLast = skip;
    return skip ? [] : this.#judge(isVouched);
  }

  /**
   * Judges, out of turn, those whose refusal is sure: returns who is down. To be called whenever
   * one was refused, and whenever somebody in reach vouches for one no longer. `isVouched` says
   * whether a member in reach has a link to that origin, or may have one.
   */
  judgeVacant(isVouched: (origin: number) => boolean): readonly number[] {
    if (this.#vacant.size === 0) return NOBODY;
    const found = [...this.#vacant].filter((origin) => !isVouched(origin));
    for (const origin of found) {
      const watched = this.#watched.get(origin);
      if (watched !== undefined) this.#isDown(origin, watched);
    }
    return found;
  }

  #isDown(origin: number, watched: Watched): void {
    this.#vacant.delete(origin);
    watched.state = "down";
    watched.counted = false;
    watched.downAt = this.#judgedTime;
  }

  #judge(isVouched: (origin: number) => boolean): DetectorFinding[] {
    const { downMs, refusedDownMs } = this.#timings;
    const time = this.#judgedTime;
    const findings: DetectorFinding[] = [];
    for (const [origin, watched] of this.#watched) {
      if (watched.state === "down") continue;
      const silent = time - watched.heardAt >= downMs;
      const refused =
        !watched.linked &&
        watched.refusedAt !== undefined &&
        time - watched.refusedAt >= refusedDownMs &&
        !isVouched(origin);
      if (silent || refused) {
        if (watched.counted) findings.push({ origin, kind: silent ? "silent" : "refused" });
        this.#isDown(origin, watched);
      } else if (watched.linked && time - watched.linkHeardAt >= downMs) {
        findings.push({ origin, kind: "link silent" });
      }
    }
    return findings;
  }

  /** The judge's clock: the monotonic one without this node's own stalls. */
  #time(now: number): number {
    return this.#judgedTime + Math.min(now - this.#lastTick, this.#tickMsMax);
  }
}

function newlyWatched(time: number): Watched {
  return {
    state: "suspect",
    counted: false,
    linked: false,
    heardAt: time,
    linkHeardAt: time,
    refusedAt: undefined,
    downAt: time,
    isCutOff: false,
  };
}
