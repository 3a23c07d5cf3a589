/**
 * P2: who is taken for dead because its host refused a redial. That must be true: the network has
 * refused it after the link was lost, and nobody whom the judge hears has told it of a link to the
 * accused. Whether it lives all the same is another thing: its host may refuse for it.
 */
import type { Incarnation } from "./incarnation.ts";
import type { Network } from "./network.ts";
import type { Report } from "./state-checker.ts";

/** What the checker asks of the world. */
export interface RefusalWorld {
  readonly network: Network;
  /** Every life so far, by origin. */
  readonly lives: ReadonlyMap<number, Incarnation>;
}

/** The checker. */
export class RefusalChecker {
  readonly counters = { refusedDowns: 0, refusedLives: 0 };
  readonly #report: Report;
  readonly #world: RefusalWorld;

  constructor(report: Report, world: RefusalWorld) {
    this.#report = report;
    this.#world = world;
  }

  /** A member has judged that another one is down because its host refuses. */
  accused(judge: Incarnation, origin: number): void {
    const accused = this.#world.lives.get(origin);
    if (accused === undefined) return;
    this.counters.refusedDowns++;
    if (accused.process.alive) this.counters.refusedLives++;
    const from = judge.identity.address;
    const refusedMs = this.#world.network.refusedAtMs(from, accused.identity.address);
    const linkedMs = judge.linkedAtMs.get(origin) ?? 0;
    if (refusedMs === null || refusedMs < linkedMs) {
      this.#report("death:unrefused", `${judge.who} says that ${accused.who} is refused`);
    }
    for (const { name, linked, linkedTo } of judge.engine.cluster.members()) {
      if (!linked || !linkedTo.includes(origin)) continue;
      this.#report(
        "death:vouched",
        `${judge.who} says that ${accused.who} is refused, not ${name}`,
      );
    }
  }
}
