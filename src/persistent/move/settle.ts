/**
 * Sees to it that a store's data are where the configuration says, before anybody opens it: finds
 * out where they are at home and, if that is elsewhere, moves them. Goes on with what an earlier
 * process began and did not end.
 */
import { ConflictError } from "../../errors.ts";
import { SqlAdapter } from "../adapters/sql/sql-adapter.ts";
import type { StoreAdapter } from "../contract/driver.ts";
import { LeaseKeeper } from "../leases/lease-keeper.ts";
import type { CopiedPlace } from "./copy.ts";
import { HOME, Marks, moveName } from "./marks.ts";
import { loadStore, type MoveOptions, moveStore, type Residence } from "./move.ts";
import { nameOf } from "./own-places.ts";
import { emptyPlace, hasUsers, placeIn } from "./place-contents.ts";
import { type AnyPlace, isTyped } from "./place-kinds.ts";

/** Somebody else who moves the store is waited for so long, ms. */
const WAIT_MS = 600_000;

/** A connection of the configuration, opened. */
export interface NamedAdapter {
  readonly connection: string;
  readonly adapter: StoreAdapter;
}

export interface SettleOptions extends MoveOptions {
  /** Where the configuration wants it. */
  readonly home: NamedAdapter;
  /** The other connections: it may be at home in one of them. */
  readonly others: readonly NamedAdapter[];
  /** False: a store that is at home elsewhere is a ConflictError. */
  readonly mayMove: boolean;
  /** Another process that moves it is waited for so long, ms. Default 600,000. */
  readonly waitMs?: number;
}

/** What was done: nothing, a move, or (for a home that forgets) a load. */
export interface Settled {
  readonly kind: "at home" | "moved" | "loaded";
  readonly from: string | undefined;
  readonly copied: CopiedPlace | undefined;
}

const AT_HOME: Settled = { kind: "at home", from: undefined, copied: undefined };

/**
 * Settles one store.
 * @throws ConflictError if it is at home in two places, in one that is not configured, or in one
 * that another process uses
 */
export async function settleStore(options: SettleOptions): Promise<Settled> {
  const { place, home, budget } = options;
  if (isSettled(await look(options))) return AT_HOME;
  const keeper = new LeaseKeeper({ ...options, leases: home.adapter.leases });
  const name = moveName(place);
  try {
    const waitMs = options.waitMs ?? WAIT_MS;
    await keeper.take(name, `moving ${nameOf(place)}`, budget, { waitMs });
    return await settle(await look(options), options, () => keeper.assertHeld(name));
  } finally {
    await keeper.stop();
  }
}

/**
 * What keeps nothing is nobody's home, and what cannot list its users cannot be copied. Typed
 * stores have tables.
 */
export function canBeHome(adapter: StoreAdapter, place: AnyPlace): boolean {
  if (isTyped(place)) return adapter instanceof SqlAdapter;
  const { keepsNothing, users, kinds } = adapter.capabilities;
  return keepsNothing !== true && users && kinds.includes("map");
}

/** All back ends that may have the store, each once. */
interface Survey {
  readonly home: Residence;
  readonly others: readonly Residence[];
}

async function look(options: SettleOptions): Promise<Survey> {
  const home = await reside(options.home, options);
  const others = new Map<string, Residence>();
  for (const other of options.others) {
    if (!canBeHome(other.adapter, options.place)) continue;
    const residence = await reside(other, options);
    const { identity } = residence.marks;
    if (identity !== home.marks.identity) others.set(identity, residence);
  }
  return { home, others: [...others.values()] };
}

/** Data without a mark are at home where they are. */
async function reside(
  { connection, adapter }: NamedAdapter,
  { place, budget }: SettleOptions,
): Promise<Residence> {
  const marks = await Marks.open(adapter, budget);
  const mark = await marks.read(place);
  if (mark !== undefined) return { connection, adapter, marks, mark };
  const found = await placeIn(adapter, place, budget);
  const hasData = found !== undefined && (await hasUsers(adapter, found, budget));
  return { connection, adapter, marks, mark: hasData ? HOME : undefined };
}

/** Nothing is under way and nothing is anywhere else. */
function isSettled({ home, others }: Survey): boolean {
  return home.mark?.state === "home" && others.every((other) => !concerns(home, other));
}

/** Whether the other one has data, or a part in a move to this home. */
function concerns(home: Residence, { mark }: Residence): boolean {
  if (mark === undefined || mark.state === "arriving" || mark.state === "moved") return false;
  return mark.state !== "left" || mark.peer === home.marks.identity;
}

async function settle(
  { home, others }: Survey,
  options: SettleOptions,
  assertHeld: () => void,
): Promise<Settled> {
  const { place, budget } = options;
  const source = sourceOf(home, others, place);
  if (source === undefined) {
    // What is left of moves whose last steps were not made: a flip back, and emptying.
    if (home.mark?.state !== "home") {
      assertHeld();
      await home.marks.write(place, HOME);
    }
    for (const { adapter, marks, mark } of others) {
      if (mark?.state !== "left" || mark.peer !== home.marks.identity) continue;
      await emptyPlace(adapter, place, { budget, guard: assertHeld });
      assertHeld();
      await marks.write(place, { state: "moved", peer: home.marks.identity });
    }
    return AT_HOME;
  }
  const from = source.connection;
  if (!options.mayMove) {
    throw new ConflictError(
      `${nameOf(place)} is at home on connection "${from}", and the configuration wants it on ` +
        `"${home.connection}"; allow moving, or move it by hand`,
    );
  }
  if (!home.adapter.capabilities.isPersistent) {
    return { kind: "loaded", from, copied: await loadStore(source, home, options) };
  }
  const copied = await moveStore(source, home, options, assertHeld);
  return { kind: "moved", from, copied };
}

/** Where the data have to come from; undefined if they are at home already, or nowhere. */
function sourceOf(
  home: Residence,
  others: readonly Residence[],
  place: AnyPlace,
): Residence | undefined {
  const { mark } = home;
  // Nobody has used what never became a home, and the source is emptied after that only.
  const isReturned =
    mark?.state === "left" &&
    others.some((other) => {
      return other.mark?.state === "arriving" && other.mark.peer === home.marks.identity;
    });
  const isHere = mark?.state === "home" || mark?.state === "leaving" || isReturned;
  const inhabited = others.filter((other) => {
    if (other.mark?.state === "left") return mark?.state === "arriving" && concerns(home, other);
    return concerns(home, other) && !(isHere && other.mark?.state === "leaving");
  });
  const [source, second] = inhabited;
  const rivals = isHere ? [home, source] : [source, second];
  if (rivals[0] !== undefined && rivals[1] !== undefined) {
    throw new ConflictError(
      `${nameOf(place)} has data on "${rivals[0].connection}" and on "${rivals[1].connection}"; ` +
        "copy one over the other and take that one out of the configuration, or empty one",
    );
  }
  if (!isHere && source === undefined && mark !== undefined) {
    const what = mark.state === "arriving" ? "was on its way to" : "has moved away from";
    throw new ConflictError(
      `${nameOf(place)} ${what} connection "${home.connection}", and no configured connection is ` +
        `the other end of that move (back end ${mark.peer}); configure it as well`,
    );
  }
  return isHere ? undefined : source;
}
