/**
 * Copies stores from one back end to another and verifies what it did; message archives and
 * rosters are among them. A pass walks over the users of both sides and makes the target equal;
 * passes are repeated until one finds nothing to change, so that the last one is the verification.
 * Nothing is removed from the source.
 */
import { AbortedError, ConflictError, InvalidArgumentError } from "../../errors.ts";
import type { Budget, StoreAdapter } from "../contract/driver.ts";
import { alignArchive } from "./align-archive.ts";
import { alignOwned } from "./align-owned.ts";
import { alignRows } from "./align-rows.ts";
import type { Aligned, AlignRules } from "./aligned.ts";
import { Checkpoints } from "./checkpoints.ts";
import { isOwnPlace, nameOf } from "./own-places.ts";
import { OwnedSide } from "./owned-rows.ts";
import { type AnyPlace, isTyped } from "./place-kinds.ts";
import { typedPlaces } from "./typed-places.ts";
import { usersOfBoth } from "./users.ts";

/** Users that are worked on at a time. */
const USERS_AT_ONCE = 8;
/** Default of `passes`: the copy, a look that mends, a look that must find nothing. */
const PASSES = 3;

export interface CopyOptions {
  readonly from: StoreAdapter;
  readonly to: StoreAdapter;
  /** Names the source in the notes that an interrupted copy leaves, 1 to 1,000 bytes. */
  readonly sourceName: string;
  /** Only these hosts. Default: all. */
  readonly hosts?: readonly string[];
  /** Only these stores; message archives are named "archive", rosters "roster". Default: all. */
  readonly stores?: readonly string[];
  /** Exactly these, whatever the source has. Default: what `hosts` and `stores` choose of it. */
  readonly places?: readonly AnyPlace[];
  /** Looks at both sides and says what it would change. Default false. */
  readonly isDry?: boolean;
  /** Target places that have data of another origin are made equal too. Default: ConflictError. */
  readonly overwrite?: boolean;
  /** Most walks over each place. Default 3. */
  readonly passes?: number;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Asked before each write; what it throws ends the copy. */
  readonly guard?: () => void;
  readonly signal?: AbortSignal;
  /** For each call to an adapter, ms. Default 30,000. */
  readonly timeoutMs?: number;
}

/** How far a walk over one place has come. */
export interface CopyProgress {
  readonly place: AnyPlace;
  /** 1 copies; those that follow verify. */
  readonly pass: number;
  /** Of this pass; what an earlier run had done is not counted. */
  readonly users: number;
  readonly rows: number;
  /** Characters of keys and values. */
  readonly bytes: number;
  readonly changed: number;
}

/** What was done for one place: `changed` of the first pass, and whether it had been begun before. */
export interface CopiedPlace extends CopyProgress {
  readonly wasResumed: boolean;
}

/**
 * Copies and verifies; resolves with what was done for each place.
 * @throws ConflictError if a target has data of another origin (then nothing was changed), or the
 * source is being written
 * @throws InvalidArgumentError if a host or store that was named is not in the source
 * @throws UnsupportedError if message archives or rosters are among them, and the target has no
 * tables
 */
export async function copyStores(options: CopyOptions): Promise<readonly CopiedPlace[]> {
  const budget = { timeoutMs: options.timeoutMs ?? 30_000, signal: options.signal };
  const walks: Walk[] = [];
  for (const place of await selected(options, budget)) {
    walks.push(await openWalk(place, options, budget));
  }
  const copied: CopiedPlace[] = [];
  if (options.isDry === true) {
    // It leaves no trace, so it does not open the notes either.
    for (const walk of walks) {
      copied.push({ ...(await walk.pass({ pass: 1, isDry: true })), wasResumed: false });
    }
    return copied;
  }
  const notes = await Checkpoints.open(options.to, options.sourceName, budget);
  if (options.overwrite !== true) {
    for (const walk of walks) await refuseForeign(walk, notes);
  }
  for (const walk of walks) copied.push(await copyPlace(walk, notes, options.passes ?? PASSES));
  await notes.clear();
  return copied;
}

async function selected(options: CopyOptions, budget: Budget): Promise<readonly AnyPlace[]> {
  if (options.places !== undefined) return options.places;
  const everywhere = await options.from.places(undefined, budget);
  const typed = await typedPlaces(options.from, undefined);
  const all = [...everywhere.filter((place) => !isOwnPlace(place)), ...typed];
  const { hosts, stores } = options;
  refuseUnknown("host", hosts, new Set(all.map(({ host }) => host)));
  refuseUnknown("store", stores, new Set(all.map(({ store }) => store)));
  return all.filter(
    ({ host, store }) => (hosts?.includes(host) ?? true) && (stores?.includes(store) ?? true),
  );
}

function refuseUnknown(
  what: string,
  given: readonly string[] | undefined,
  known: ReadonlySet<string>,
): void {
  const unknown = given?.filter((name) => !known.has(name)) ?? [];
  if (unknown.length === 0) return;
  throw new InvalidArgumentError(
    `the source has no ${what} ${unknown.join(", ")}; it has ${[...known].join(", ") || "none"}`,
  );
}

async function copyPlace(walk: Walk, notes: Checkpoints, passes: number): Promise<CopiedPlace> {
  const { place } = walk;
  const note = await notes.read(place);
  if (note === undefined) await notes.write(place, { isDone: false, after: undefined });
  let first: CopyProgress | undefined;
  for (let pass = 1; pass <= passes; pass++) {
    const isCopying = pass === 1 && note?.isDone !== true;
    const after = isCopying ? note?.after : undefined;
    const progress = await walk.pass({
      pass,
      after,
      onPage: async (last) => {
        if (isCopying) await notes.write(place, { isDone: false, after: last });
      },
    });
    if (isCopying) await notes.write(place, { isDone: true, after: undefined });
    first ??= progress;
    // A pass that began in the middle has not seen everything.
    if (progress.changed === 0 && after === undefined) {
      return { ...first, wasResumed: note !== undefined };
    }
  }
  throw new ConflictError(
    `${nameOf(place)}: the source was written during each of ${passes} walks over it; stop those ` +
      "who write to it, then go on with the same command",
  );
}

/** Data that no copy of this source has left are somebody's, unless they are the same. */
async function refuseForeign(walk: Walk, notes: Checkpoints): Promise<void> {
  if ((await notes.read(walk.place)) !== undefined || !(await walk.targetHasData())) return;
  if ((await walk.pass({ pass: 1, isDry: true })).changed === 0) return;
  throw new ConflictError(
    `${nameOf(walk.place)} has other data in the target already; nothing was changed; empty it, ` +
      "or allow overwriting",
  );
}

/** Walks over one place on both sides. */
interface Walk {
  readonly place: AnyPlace;
  targetHasData(): Promise<boolean>;
  pass(settings: PassSettings): Promise<CopyProgress>;
}

interface PassSettings {
  readonly pass: number;
  /** Default false. */
  readonly isDry?: boolean;
  /** Begins behind this user. */
  readonly after?: string | undefined;
  /** All up to this user is done. */
  readonly onPage?: (last: string) => Promise<void>;
}

async function openWalk(place: AnyPlace, options: CopyOptions, budget: Budget): Promise<Walk> {
  const { from, to } = options;
  if (isTyped(place)) {
    const pair = { source: OwnedSide.of(from, place), target: OwnedSide.of(to, place) };
    return walkOver(place, pair, (...given) => alignOwned(pair, ...given), options, budget);
  }
  if (place.kind === "archive") {
    const source = await from.openArchive(place, budget);
    const target = await to.openArchive(place, budget);
    const pair = { source, target };
    return walkOver(place, pair, (...given) => alignArchive(pair, ...given), options, budget);
  }
  const source = await from.openRows(place, budget);
  const target = await to.openRows(place, budget);
  const pair = { source, target };
  return walkOver(place, pair, (...given) => alignRows(pair, ...given), options, budget);
}

function walkOver(
  place: AnyPlace,
  pair: Parameters<typeof usersOfBoth>[0],
  align: (user: string, rules: AlignRules) => Promise<Aligned>,
  { onProgress, signal, guard = () => {} }: CopyOptions,
  budget: Budget,
): Walk {
  return {
    place,
    async targetHasData() {
      return (await pair.target.users({ after: undefined, limit: 1 }, budget)).length > 0;
    },
    async pass({ pass, isDry = false, after, onPage }) {
      const rules = { isDry, guard, budget };
      let progress: CopyProgress = { place, pass, users: 0, rows: 0, bytes: 0, changed: 0 };
      for await (const page of usersOfBoth(pair, after, budget)) {
        for (let at = 0; at < page.length; at += USERS_AT_ONCE) {
          if (signal?.aborted) throw new AbortedError("the copy was aborted; it can go on later");
          const users = page.slice(at, at + USERS_AT_ONCE);
          const results = await Promise.all(users.map((user) => align(user, rules)));
          progress = results.reduce(added, progress);
          onProgress?.(progress);
        }
        await onPage?.(page.at(-1) ?? "");
      }
      return progress;
    },
  };
}

function added(sum: CopyProgress, { rows, bytes, changed }: Aligned): CopyProgress {
  return {
    ...sum,
    users: sum.users + 1,
    rows: sum.rows + rows,
    bytes: sum.bytes + bytes,
    changed: sum.changed + changed,
  };
}
