/** Counts refused handshakes by reason and logs them, but not each one of a flood. */
import type { RefusalReason } from "../errors.ts";
import type { Clock, Log } from "../runtime.ts";
import type { Refusal } from "./cluster-events.ts";

/** How often each reason was given. */
export type RefusalCounts = Partial<Record<RefusalReason, number>>;

/** At most one warning per reason and side within this time, ms; others go to debug. */
const WARN_EVERY_MS = 10_000;

export class RefusalCount {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byUs: RefusalCounts = {};
  readonly #byPeers: RefusalCounts = {};
  /** One entry per reason and side, so it is small. */
  readonly #warnedAt = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get byUs(): RefusalCounts {
    return { ...this.#byUs };
  }

  get byPeers(): RefusalCounts {
    return { ...this.#byPeers };
  }

  note(refusal: Refusal): void {
    const counts = refusal.byUs ? this.#byUs : this.#byPeers;
    counts[refusal.reason] = (counts[refusal.reason] ?? 0) + 1;
    const fields = { event: "link-refused", ...refusal };
    const text = refusal.byUs ? "refused a link" : "was refused a link";
    if (this.#mayWarn(`${refusal.reason} ${refusal.byUs}`)) this.#log.warn(fields, text);
    else this.#log.debug(fields, text);
  }

  #mayWarn(what: string): boolean {
    const now = this.#clock.now();
    const warnedAt = this.#warnedAt.get(what);
    if (warnedAt !== undefined && now - warnedAt < WARN_EVERY_MS) return false;
    this.#warnedAt.set(what, now);
    return true;
  }
}
