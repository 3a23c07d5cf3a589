/**
 * When which address is dialled: at once when it becomes wanted or its link is lost, then again
 * and again with growing, jittered waits for as long as it is wanted and nobody there is linked.
 *
 * Who is linked by a dial of its own is dialled once at its address, a while later, to see that it
 * is found there: only then does a refusal there say later that it is gone.
 */
import type { Clock, Random, Timer } from "../runtime.ts";

/** What a Dialer needs. */
export interface DialerOptions {
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  readonly maxDials: number;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Whether somebody there is linked already, or about to be. `origin` is who was found there
   * the last time: an address may be another one than the node itself advertises.
   */
  isTakenCareOf(address: string, origin: number | undefined): boolean;
  /** Who is linked and says to be at that address. */
  linkedAt(address: string): number | undefined;
  /** Starts an attempt; `ended` or `lost` must be called for it, later. */
  dial(address: string): void;
}

/** One address, for status. */
export interface DialStatus {
  readonly address: string;
  /** Attempts in a row that came to nothing. */
  readonly failures: number;
  /** Why the newest of them failed. */
  readonly lastFailure: string | undefined;
  /** Who was found there last; may be known by another address. */
  readonly origin: number | undefined;
  /**
   * The newest attempt that ended failed as its host says that nobody listens there; it began
   * after the newest `doubt`.
   */
  readonly isVacant: boolean;
}

interface Entry {
  readonly address: string;
  isDialling: boolean;
  /** A link that held was lost, and nobody was found there since. */
  isPrompt: boolean;
  /** Attempts that were soon for that; they make no later wait longer. */
  prompts: number;
  failures: number;
  lastFailure: string | undefined;
  origin: number | undefined;
  isVacant: boolean;
  /** How often the dialer had doubted when the newest attempt began. */
  era: number;
  timer: Timer | undefined;
  /** Whom it was seen to be the address of, while linked, and for whom that was checked. */
  seen: number | undefined;
  checked: number | undefined;
}

/** Of the longest wait: when who has dialled us is dialled to see that it can be found. */
const CHECK_SHARE = 1 / 5;
/**
 * A process that is being killed may still take a connection, and end it, in the moment in which
 * its links are closed. So the first attempts after that are soon: after so much of the shortest
 * wait, and each time after twice as much.
 */
const PROMPT_SHARE = 1 / 50;
const PROMPTS = 4;

export class Dialer {
  readonly #options: DialerOptions;
  readonly #entries = new Map<string, Entry>();
  #dialling = 0;
  #era = 0;
  #isStopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Replaces the list of addresses. New ones are dialled at once, others no longer. */
  want(addresses: ReadonlySet<string>): void {
    if (this.#isStopped) return;
    for (const [address, entry] of this.#entries) {
      if (addresses.has(address)) continue;
      entry.timer?.cancel();
      this.#entries.delete(address);
      if (entry.isDialling) this.#dialling--;
    }
    for (const address of addresses) {
      if (this.#entries.has(address)) continue;
      const entry = newEntry(address);
      this.#entries.set(address, entry);
      this.#try(entry);
    }
  }

  /**
   * An attempt came to nothing; `isHopeless` when a quick retry cannot help. Returns who was
   * found there the last time.
   */
  failed(
    address: string,
    why: string,
    { isHopeless, isVacant }: { readonly isHopeless: boolean; readonly isVacant: boolean },
  ): number | undefined {
    const entry = this.#ended(address);
    if (entry === undefined) return undefined;
    entry.failures++;
    entry.lastFailure = why;
    const isOld = entry.era < this.#era;
    entry.isVacant = isVacant && !isOld;
    const waitMs = isHopeless ? this.#options.redialMaxMs : this.#waitMs(entry);
    this.#again(entry, isVacant && isOld ? this.#options.redialMinMs : waitMs);
    return entry.origin;
  }

  /** Somebody may listen by now where nobody did: those hosts are asked again, soon. */
  doubt(): void {
    this.#era++;
    for (const entry of this.#entries.values()) {
      if (!entry.isVacant) continue;
      entry.isVacant = false;
      if (!entry.isDialling) this.#again(entry, this.#options.redialMinMs);
    }
  }

  /** An attempt was given up in favour of another link, or came up: look again in a while. */
  settled(address: string, origin: number | undefined): void {
    const entry = this.#ended(address);
    if (entry === undefined) return;
    entry.origin = origin;
    entry.isVacant = false;
    entry.isPrompt = false;
    const { redialMaxMs } = this.#options;
    this.#again(entry, origin === undefined ? redialMaxMs * CHECK_SHARE : redialMaxMs);
  }

  /**
   * A link to that address was lost after `heldMs`. It is redialled at once: where that is
   * refused, whoever was there is gone. But not again and again if links do not hold.
   */
  lost(address: string, heldMs: number): void {
    const entry = this.#entries.get(address);
    if (entry === undefined || entry.isDialling) return;
    if (heldMs >= this.#options.redialMaxMs) entry.failures = 0;
    entry.isPrompt = entry.failures === 0;
    if (entry.isPrompt) {
      entry.prompts = 0;
      this.#try(entry);
    } else this.#again(entry, this.#waitMs(entry));
    entry.failures++;
  }

  stop(): void {
    this.#isStopped = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#dialling = 0;
  }

  status(): DialStatus[] {
    return [...this.#entries.values()].map((entry) => {
      const { address, failures, lastFailure, origin, isVacant } = entry;
      return { address, failures, lastFailure, origin, isVacant };
    });
  }

  #ended(address: string): Entry | undefined {
    const entry = this.#entries.get(address);
    if (entry?.isDialling !== true) return undefined;
    entry.isDialling = false;
    this.#dialling--;
    return entry;
  }

  #try(entry: Entry): void {
    const { isTakenCareOf, maxDials, redialMaxMs, redialMinMs } = this.#options;
    const isTaken = isTakenCareOf(entry.address, entry.origin);
    if (isTaken) {
      const check = this.#checkOf(entry);
      if (check !== "due") {
        return this.#again(entry, check === "later" ? redialMaxMs * CHECK_SHARE : redialMaxMs);
      }
    }
    if (this.#dialling >= maxDials) return this.#again(entry, redialMinMs);
    entry.timer?.cancel();
    entry.timer = undefined;
    entry.isDialling = true;
    entry.era = this.#era;
    this.#dialling++;
    this.#options.dial(entry.address);
  }

  /** At the second look, so that nodes that start at once have other things behind them. */
  #checkOf(entry: Entry): "no" | "later" | "due" {
    const there = this.#options.linkedAt(entry.address);
    if (there === undefined || there === entry.origin || there === entry.checked) return "no";
    if (there !== entry.seen) {
      entry.seen = there;
      return "later";
    }
    entry.checked = there;
    return "due";
  }

  #again(entry: Entry, ms: number): void {
    const { clock, random } = this.#options;
    entry.timer?.cancel();
    // Half of the wait is random: nodes that lost one peer together do not return together.
    entry.timer = clock.after(ms * (0.5 + random.float() / 2), () => this.#try(entry));
  }

  /** How long to wait for the next attempt, after one that came to nothing. */
  #waitMs(entry: Entry): number {
    const { redialMinMs, redialMaxMs } = this.#options;
    if (entry.isPrompt && entry.prompts < PROMPTS) {
      return redialMinMs * PROMPT_SHARE * 2 ** entry.prompts++;
    }
    entry.isPrompt = false;
    const failures = Math.min(entry.failures - entry.prompts, 30);
    return Math.min(redialMaxMs, redialMinMs * 2 ** failures);
  }
}

function newEntry(address: string): Entry {
  return {
    address,
    isDialling: false,
    isPrompt: false,
    prompts: 0,
    failures: 0,
    lastFailure: undefined,
    origin: undefined,
    isVacant: false,
    era: 0,
    timer: undefined,
    seen: undefined,
    checked: undefined,
  };
}
