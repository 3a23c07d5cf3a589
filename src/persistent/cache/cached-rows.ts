/**
 * Rows with a read cache in front. What is read is kept, also that there is nothing; of several
 * who ask for the same at a time one asks the back end. A write makes all caches forget the user,
 * this one too; a read that was under way meanwhile is answered but not kept.
 */
import { LRUCache } from "lru-cache";
import { InvalidOptionsError } from "../../errors.ts";
import type { Clock } from "../../runtime.ts";
import { decodeValue } from "../contract/decode-value.ts";
import type { Budget, Place, RowsDriver, UserPage } from "../contract/driver.ts";
import { Deadlines } from "../deadlines/deadlines.ts";
import type { CacheCoherence, Invalidation } from "./coherence.ts";
import { type CopiedValue, copiedValue } from "./copied-value.ts";
import { TellingRows } from "./telling-rows.ts";

/** How much is kept and for how long. */
export interface CacheOptions {
  /** The most users. Default 10,000. */
  readonly usersMax?: number;
  /**
   * The most bytes of values: four for each character, for its text and for what that is decoded
   * to. Default 64 MiB.
   */
  readonly bytesMax?: number;
  /**
   * How old what is kept may be, ms: also how long another process may see an old value when it
   * could not be told of a write. Default 60,000.
   */
  readonly ttlMs?: number;
}

const DEFAULTS: Required<CacheOptions> = {
  usersMax: 10_000,
  bytesMax: 64 * 1024 * 1024,
  ttlMs: 60_000,
};
/** A question to the back end may take so long, or as long as who asked it first would wait, ms. */
const FLIGHT_MS = 10_000;
/** A hit may take the time from another one of so long ago, ms: to read the clock is a third of it. */
const CLOCK_MS = 1;
/** What a user weighs beside the values, bytes. */
const USER_BYTES = 200;
/** Two in the text, two in what it is decoded to. */
const CHARACTER_BYTES = 4;

/** What is known of a user. An object of its own after each time that all was forgotten. */
interface Known {
  readonly values: Map<string, string | undefined>;
  /** What was asked for through `hit`, decoded. */
  readonly decoded: Map<string, CopiedValue>;
  whole: ReadonlyMap<string, string> | undefined;
  bytes: number;
  readonly since: number;
}

const NOTHING = copiedValue(undefined);

/** A question under way. */
interface Flight {
  readonly answer: Promise<string | undefined | ReadonlyMap<string, string>>;
}

/** How often the cache had the answer. */
export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly users: number;
  readonly bytes: number;
}

/** See the head of this file. */
export class CachedRows implements RowsDriver {
  readonly #rows: RowsDriver;
  readonly #place: Place;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #deadlines: Deadlines;
  readonly #known: LRUCache<string, Known>;
  /** By user, then by key; undefined is the whole of the user. */
  readonly #flights = new Map<string, Map<string | undefined, Flight>>();
  readonly #stop: () => void;
  #isClosed = false;
  /** The time, for so long as it is believed. */
  #nowMs: number | undefined;
  #hits = 0;
  #misses = 0;

  /** @throws InvalidOptionsError */
  constructor(
    rows: RowsDriver,
    place: Place,
    options: CacheOptions,
    { clock, coherence }: { readonly clock: Clock; readonly coherence: CacheCoherence },
  ) {
    const checked = checkCache(options);
    this.#rows = new TellingRows(rows, place, coherence);
    this.#place = place;
    this.#clock = clock;
    this.#ttlMs = checked.ttlMs;
    this.#deadlines = new Deadlines(clock, `the cache of store "${place.store}"`);
    this.#known = new LRUCache({ max: checked.usersMax, maxSize: checked.bytesMax });
    this.#stop = coherence.listen((change) => this.#onChange(change));
  }

  get counts(): CacheCounts {
    const { size: users, calculatedSize: bytes } = this.#known;
    return { hits: this.#hits, misses: this.#misses, users, bytes };
  }

  async read(user: string, key: string, budget: Budget): Promise<string | undefined> {
    const known = this.#fresh(user);
    if (known !== undefined && knows(known, key)) {
      this.#hits++;
      return textOf(known, key);
    }
    const answer = await this.#ask(user, key, budget, (own) => this.#rows.read(user, key, own));
    if (typeof answer === "object") throw new TypeError("a whole came for a value");
    return answer;
  }

  /** What is known of a key, decoded, at once; undefined if nothing is. */
  hit(user: string, key: string): CopiedValue | undefined {
    const known = this.#fresh(user);
    if (known === undefined) return undefined;
    const decoded = known.decoded.get(key) ?? decodedOf(known, key);
    if (decoded !== undefined) this.#hits++;
    return decoded;
  }

  async readUser(user: string, budget: Budget): Promise<ReadonlyMap<string, string>> {
    const known = this.#fresh(user);
    if (known?.whole !== undefined) {
      this.#hits++;
      return known.whole;
    }
    const answer = await this.#ask(user, undefined, budget, (own) => {
      return this.#rows.readUser(user, own);
    });
    if (typeof answer !== "object") throw new TypeError("a value came for a whole");
    return answer;
  }

  write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void> {
    return this.#rows.write(user, changes, budget);
  }

  replaceUser(user: string, rows: ReadonlyMap<string, string>, budget: Budget): Promise<void> {
    return this.#rows.replaceUser(user, rows, budget);
  }

  users(page: UserPage, budget: Budget): Promise<readonly string[]> {
    return this.#rows.users(page, budget);
  }

  readKey(
    key: string,
    page: UserPage,
    budget: Budget,
  ): Promise<readonly (readonly [string, string])[]> {
    return this.#rows.readKey(key, page, budget);
  }

  deleteKey(key: string, budget: Budget): Promise<number> {
    return this.#rows.deleteKey(key, budget);
  }

  /** Forgets everything, listens no more and keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
    this.#onChange(undefined);
  }

  #onChange(change: Invalidation | undefined): void {
    if (change === undefined) return this.#forget(undefined);
    const { host, store } = this.#place;
    if (change.host === host && change.store === store) this.#forget(change.user);
  }

  #forget(user: string | undefined): void {
    if (user === undefined) {
      this.#known.clear();
      this.#flights.clear();
    } else {
      this.#known.delete(user);
      this.#flights.delete(user);
    }
  }

  #fresh(user: string): Known | undefined {
    const known = this.#known.get(user);
    if (known === undefined) return undefined;
    if (this.#now() - known.since < this.#ttlMs) return known;
    this.#known.delete(user);
    return undefined;
  }

  #now(): number {
    if (this.#nowMs === undefined) {
      this.#nowMs = this.#clock.now();
      this.#clock.after(CLOCK_MS, () => {
        this.#nowMs = undefined;
      });
    }
    return this.#nowMs;
  }

  /**
   * Joins who asks the same already, unless something was written since. Each waits for as long as
   * it wants itself; the question goes on when the one who asked it first has given up.
   */
  #ask(
    user: string,
    key: string | undefined,
    budget: Budget,
    act: (budget: Budget) => Promise<Answer>,
  ): Promise<Answer> {
    return this.#deadlines.within(budget, "read", () => this.#fly(user, key, budget, act));
  }

  #fly(
    user: string,
    key: string | undefined,
    budget: Budget,
    act: (budget: Budget) => Promise<Answer>,
  ): Promise<Answer> {
    const flights = this.#flights.get(user) ?? new Map<string | undefined, Flight>();
    const known = flights.get(key);
    if (known !== undefined) {
      this.#hits++;
      return known.answer;
    }
    this.#misses++;
    const since = this.#clock.now();
    const flight: Flight = {
      answer: act({ timeoutMs: Math.max(FLIGHT_MS, budget.timeoutMs), signal: undefined }).then(
        (answer) => {
          // Gone from the list: something was written while this was under way.
          if (this.#land(user, key, flight) && !this.#isClosed) {
            this.#keep(user, key, answer, since);
          }
          return answer;
        },
        (error: unknown) => {
          this.#land(user, key, flight);
          throw error;
        },
      ),
    };
    flights.set(key, flight);
    this.#flights.set(user, flights);
    return flight.answer;
  }

  #land(user: string, key: string | undefined, flight: Flight): boolean {
    const flights = this.#flights.get(user);
    if (flights?.get(key) !== flight) return false;
    flights.delete(key);
    if (flights.size === 0) this.#flights.delete(user);
    return true;
  }

  #keep(user: string, key: string | undefined, answer: Answer, since: number): void {
    const known = this.#fresh(user) ?? newKnown(since);
    known.decoded.clear();
    if (typeof answer === "object") {
      known.whole = answer;
      for (const [name, text] of answer)
        known.bytes += CHARACTER_BYTES * (name.length + text.length);
    } else if (key !== undefined) {
      known.values.set(key, answer);
      known.bytes += CHARACTER_BYTES * (key.length + (answer?.length ?? 0));
    }
    // A user who is larger than all of the cache is not kept.
    this.#known.set(user, known, { size: USER_BYTES + 2 * user.length + known.bytes });
  }
}

function newKnown(since: number): Known {
  return { values: new Map(), decoded: new Map(), whole: undefined, bytes: 0, since };
}

function knows({ whole, values }: Known, key: string): boolean {
  return whole !== undefined || values.has(key);
}

function textOf({ whole, values }: Known, key: string): string | undefined {
  return whole === undefined ? values.get(key) : whole.get(key);
}

/** Decodes what is known as text. What cannot be decoded is left to those who name its place. */
function decodedOf(known: Known, key: string): CopiedValue | undefined {
  const text = textOf(known, key);
  // A key that nobody has asked for yet may be none that is allowed.
  if (text === undefined) return known.values.has(key) ? NOTHING : undefined;
  try {
    const decoded = copiedValue(decodeValue(text));
    known.decoded.set(key, decoded);
    return decoded;
  } catch {
    return undefined;
  }
}

type Answer = string | undefined | ReadonlyMap<string, string>;

/** @throws InvalidOptionsError with all faults */
function checkCache(options: CacheOptions): Required<CacheOptions> {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULTS, name)) faults.push(`unknown option "${name}"`);
    else if (!Number.isSafeInteger(value) || value < 1) {
      faults.push(`${name} is ${String(value)}, allowed are integers above 0`);
    }
  }
  if (faults.length > 0) throw new InvalidOptionsError("cache", faults);
  return { ...DEFAULTS, ...options };
}
