/**
 * P6: the rows of a node that died are hidden at every survivor within the detector's limit, and
 * its origin is closed soon after it said goodbye or came back. And nobody who lives and is in
 * reach is hidden. Judged only over time in which nothing else was wrong: a fault that is under
 * way, or has just ended, puts the judgement off.
 */
import type { Incarnation } from "./incarnation.ts";
import type { Report } from "./state-checker.ts";

/** What the checker asks of the world. */
export interface DeathWorld {
  nowMs(): number;
  /** Since when nothing has been wrong but dead nodes; infinite while something is. */
  calmSinceMs(): number;
  /** Lives that are running, not stalled and not fenced. */
  healthy(): readonly Incarnation[];
  /** Whether the node of that life runs again, and since when. */
  replacedAtMs(dead: Incarnation): number | null;
  /** Whether code of that life ran all the time since then, and its links worked. */
  wasReachable(life: Incarnation, sinceMs: number): boolean;
  readonly hideMaxMs: number;
  readonly closeMaxMs: number;
}

/** A goodbye takes at most this long to close its sender at those that are linked to it, ms. */
const GOODBYE_MAX_MS = 1000;
/** For so long all must have been well for a link to be sure, ms. */
const SURE_MS = 2000;

interface Death {
  readonly of: Incarnation;
  readonly atMs: number;
  /** Origins that must hear its goodbye, as long as nothing goes wrong; emptied once judged. */
  hearers: readonly number[];
  /** Since when a living node knows that it is over; null while none does. */
  knownSinceMs: number | null;
}

/** The checker. */
export class DeathChecker {
  checks = 0;
  readonly #report: Report;
  readonly #world: DeathWorld;
  readonly #deaths: Death[] = [];

  constructor(report: Report, world: DeathWorld) {
    this.#report = report;
    this.#world = world;
  }

  /** That life has ended, by a crash or a goodbye. */
  died(of: Incarnation): void {
    const atMs = this.#world.nowMs();
    const isSure = Math.max(this.#world.calmSinceMs(), of.bootedAtMs) < atMs - SURE_MS;
    const hearers = isSure ? of.toldOrigins : [];
    this.#deaths.push({ of, atMs, hearers, knownSinceMs: null });
  }

  /** Judges what can be judged now. To be called every now and then. */
  sweep(): void {
    const now = this.#world.nowMs();
    const calmSince = this.#world.calmSinceMs();
    const survivors = this.#world.healthy();
    for (const death of this.#deaths) {
      const known = this.#world.replacedAtMs(death.of) !== null || hasClosed(survivors, death.of);
      death.knownSinceMs = known ? (death.knownSinceMs ?? now) : null;
      for (const survivor of survivors) this.#judge(death, survivor);
      if (death.hearers.length > 0) this.#judgeGoodbye(death, survivors);
    }
    if (now - calmSince < this.#world.hideMaxMs) return;
    for (const one of survivors) {
      for (const other of survivors) if (one !== other) this.#judgeLiving(one, other);
    }
  }

  /** A member that is told that another has gone down, when it judged that itself. */
  accused(judge: Incarnation, origin: number): void {
    const accused = this.#world.healthy().find((life) => life.origin === origin);
    if (accused === undefined) return;
    const since = this.#world.nowMs() - this.#world.hideMaxMs;
    if (judge.bootedAtMs > since || accused.bootedAtMs > since) return;
    if (!this.#world.wasReachable(accused, since)) return;
    this.checks++;
    this.#report("death:false", `${judge.who} takes ${accused.who} for dead, which is well`);
  }

  /** Who was linked to a node that said goodbye, and has run since, has closed it. */
  #judgeGoodbye(death: Death, survivors: readonly Incarnation[]): void {
    const now = this.#world.nowMs();
    if (this.#world.calmSinceMs() > death.atMs || death.of.cutShort) death.hearers = [];
    if (now - death.atMs < GOODBYE_MAX_MS) return;
    for (const survivor of survivors) {
      if (!death.hearers.includes(survivor.origin)) continue;
      const { origins } = survivor.engine.tables.replica;
      this.checks++;
      if (origins.gone[origins.find(death.of.origin)] === true) continue;
      this.#report("death:open", `${survivor.who} did not hear the goodbye of ${death.of.who}`);
    }
    death.hearers = [];
  }

  #judge({ of: dead, atMs: diedAtMs, knownSinceMs }: Death, survivor: Incarnation): void {
    const now = this.#world.nowMs();
    const { origins } = survivor.engine.tables.replica;
    const index = origins.find(dead.origin);
    if (index < 0) return;
    const since = Math.max(diedAtMs, this.#world.calmSinceMs(), survivor.bootedAtMs);
    this.checks++;
    if (now - since > this.#world.hideMaxMs && origins.hidden[index] === false) {
      this.#report(
        "death:shown",
        `${survivor.who} shows rows of ${dead.who}, dead for ${now - diedAtMs} ms`,
      );
    }
    // What one has closed all must close; a goodbye that was lost closes nothing.
    if (knownSinceMs === null) return;
    // Nor is one open that is in no vector: it was heard of and means nothing.
    if (origins.listed[index] !== true) return;
    const closedSince = Math.max(since, knownSinceMs);
    if (now - closedSince > this.#world.closeMaxMs && origins.gone[index] !== true) {
      const why = dead.left ? "said goodbye" : "came back";
      this.#report("death:open", `${survivor.who} has not closed ${dead.who}, which ${why}`);
    }
  }

  #judgeLiving(one: Incarnation, other: Incarnation): void {
    const since = Math.max(one.bootedAtMs, other.bootedAtMs);
    if (this.#world.nowMs() - since < this.#world.hideMaxMs) return;
    const { origins } = one.engine.tables.replica;
    const index = origins.find(other.origin);
    this.checks++;
    if (index < 0 || origins.hidden[index] === true) {
      this.#report("death:false", `${one.who} hides ${other.who}, which lives and is in reach`);
    }
  }
}

function hasClosed(survivors: readonly Incarnation[], dead: Incarnation): boolean {
  return survivors.some(({ engine }) => {
    const { origins } = engine.tables.replica;
    const index = origins.find(dead.origin);
    return index >= 0 && origins.gone[index] === true;
  });
}
