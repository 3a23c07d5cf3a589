/**
 * Copies stores from one back end to another and verifies what it did. A pass walks over the users
 * of both sides and makes the target equal; passes are repeated until one finds nothing to change,
 * so that the last one is the verification. Nothing is removed from the source.
 */
import { AbortedError, ConflictError, InvalidArgumentError } from "../../errors.ts";
import type { Budget, Place, StoreAdapter } from "../contract/driver.ts";
import { alignArchive } from "./align-archive.ts";
import { alignRows } from "./align-rows.ts";
import type { Aligned } from "./aligned.ts";
import { Checkpoints } from "./checkpoints.ts";
import { isOwnPlace, nameOf } from "./own-places.ts";
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
  /** Only these stores. Default: all. */
  readonly stores?: readonly string[];
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
  readonly place: Place;
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
 * @throws ConflictError if a target has data of another origin, or the source is being written
 * @throws InvalidArgumentError if a host or store that was named is not in the source
 */
export async function copyStores(options: CopyOptions): Promise<readonly CopiedPlace[]> {
  const budget = { timeoutMs: options.timeoutMs ?? 30_000, signal: options.signal };
  const places = await selected(options, budget);
  const isDry = options.isDry === true;
  // A dry run leaves no trace, so it does not open the notes either.
  const notes = isDry ? undefined : await Checkpoints.open(options.to, options.sourceName, budget);
  const copied: CopiedPlace[] = [];
  for (const place of places) copied.push(await copyPlace(place, options, notes, budget));
  await notes?.clear();
  return copied;
}

async function selected(options: CopyOptions, budget: Budget): Promise<readonly Place[]> {
  const everywhere = await options.from.places(undefined, budget);
  const all = everywhere.filter((place) => !isOwnPlace(place));
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

async function copyPlace(
  place: Place,
  options: CopyOptions,
  notes: Checkpoints | undefined,
  budget: Budget,
): Promise<CopiedPlace> {
  const walk = await openWalk(place, options, budget);
  const note = await notes?.read(place);
  if (note === undefined && options.overwrite !== true) await refuseForeign(place, walk);
  if (note === undefined) await notes?.write(place, { isDone: false, after: undefined });
  const passes = options.isDry === true ? 1 : (options.passes ?? PASSES);
  let first: CopyProgress | undefined;
  for (let pass = 1; pass <= passes; pass++) {
    const isCopying = pass === 1 && note?.isDone !== true;
    const progress = await walk.pass(pass, isCopying ? note?.after : undefined, async (after) => {
      if (isCopying) await notes?.write(place, { isDone: false, after });
    });
    if (isCopying) await notes?.write(place, { isDone: true, after: undefined });
    first ??= progress;
    // A pass that began in the middle has not seen everything.
    const sawAll = !isCopying || note?.after === undefined;
    if (options.isDry === true || (progress.changed === 0 && sawAll)) {
      return { ...first, wasResumed: note !== undefined };
    }
  }
  throw new ConflictError(
    `${nameOf(place)}: the source was written during each of ${passes} ` +
      "walks over it; stop those who write to it, then go on with the same command",
  );
}

async function refuseForeign(place: Place, walk: Walk): Promise<void> {
  const [user] = await walk.targetUsers();
  if (user === undefined) return;
  throw new ConflictError(
    `${nameOf(place)} has data in the target already; nothing was changed; ` +
      "empty it, or allow overwriting",
  );
}

/** Walks over one place on both sides. */
interface Walk {
  /** One of the target's users, if it has any. */
  targetUsers(): Promise<readonly string[]>;
  pass(
    pass: number,
    after: string | undefined,
    onPage: (after: string) => Promise<void>,
  ): Promise<CopyProgress>;
}

async function openWalk(place: Place, options: CopyOptions, budget: Budget): Promise<Walk> {
  const { from, to } = options;
  const rules = { isDry: options.isDry === true, guard: options.guard ?? (() => {}), budget };
  if (place.kind === "archive") {
    const source = await from.openArchive(place, budget);
    const target = await to.openArchive(place, budget);
    const pair = { source, target };
    const align = (user: string) => alignArchive(pair, user, rules);
    return walkOver(place, pair, align, options, budget);
  }
  const source = await from.openRows(place, budget);
  const target = await to.openRows(place, budget);
  const pair = { source, target };
  const align = (user: string) => alignRows(pair, user, rules);
  return walkOver(place, pair, align, options, budget);
}

function walkOver(
  place: Place,
  pair: Parameters<typeof usersOfBoth>[0],
  align: (user: string) => Promise<Aligned>,
  { onProgress, signal }: CopyOptions,
  budget: Budget,
): Walk {
  return {
    targetUsers: () => pair.target.users({ after: undefined, limit: 1 }, budget),
    async pass(pass, after, onPage) {
      let progress: CopyProgress = { place, pass, users: 0, rows: 0, bytes: 0, changed: 0 };
      for await (const page of usersOfBoth(pair, after, budget)) {
        for (let at = 0; at < page.length; at += USERS_AT_ONCE) {
          if (signal?.aborted) throw new AbortedError("the copy was aborted; it can go on later");
          const results = await Promise.all(page.slice(at, at + USERS_AT_ONCE).map(align));
          progress = results.reduce(added, progress);
          onProgress?.(progress);
        }
        await onPage(page.at(-1) ?? "");
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
