/** Moves one store from a back end to another: see marks.ts for the order of the steps. */
import { ConflictError } from "../../errors.ts";
import type { Clock, Log } from "../../runtime.ts";
import type { Budget, StoreAdapter } from "../contract/driver.ts";
import { LeaseKeeper } from "../leases/lease-keeper.ts";
import { type CopiedPlace, type CopyProgress, copyStores } from "./copy.ts";
import { HOME, type Mark, type Marks, moveName, useName } from "./marks.ts";
import { nameOf } from "./own-places.ts";
import { emptyPlace, placeIn } from "./place-contents.ts";
import type { AnyPlace } from "./place-kinds.ts";

/** A back end and what it says of the store. */
export interface Residence {
  readonly connection: string;
  readonly adapter: StoreAdapter;
  readonly marks: Marks;
  readonly mark: Mark | undefined;
}

export interface MoveOptions {
  readonly place: AnyPlace;
  /** Names this process in leases and in other processes' errors. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For each call to a back end. */
  readonly budget: Budget;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Who was killed while moving keeps others out for so long, ms. Default 15,000. */
  readonly leaseMs?: number;
}

/**
 * Copies, verifies, flips, empties the source. The caller holds the target's lease to move;
 * `assertHeld` throws when it does not any more.
 * @throws ConflictError if another process uses the source or moves it at this moment
 */
export async function moveStore(
  source: Residence,
  target: Residence,
  options: MoveOptions,
  assertHeld: () => void,
): Promise<CopiedPlace | undefined> {
  const { place, budget, log } = options;
  const name = moveName(place);
  const keeper = new LeaseKeeper({ ...options, leases: source.adapter.leases });
  try {
    await keeper.take(name, `moving ${nameOf(place)}`, budget);
    const guard = () => {
      assertHeld();
      keeper.assertHeld(name);
    };
    let copied: CopiedPlace | undefined;
    if (source.mark?.state !== "left") {
      await leave(source, target, options);
      copied = await copyOver(source, target, options, guard);
      guard();
      await source.marks.write(place, { state: "left", peer: target.marks.identity });
    }
    guard();
    await target.marks.write(place, HOME);
    await emptyPlace(source.adapter, place, { budget, guard });
    guard();
    await source.marks.write(place, { state: "moved", peer: target.marks.identity });
    const { users, rows } = copied ?? {};
    log.info({ ...place, users, rows }, "a store has moved");
    return copied;
  } finally {
    await keeper.stop();
  }
}

/**
 * From here on nobody opens the source. Those who had it open before are seen by their leases,
 * because they take them before they look at the mark.
 */
async function leave(source: Residence, target: Residence, options: MoveOptions): Promise<void> {
  const { place, budget, log, holder } = options;
  await source.marks.write(place, { state: "leaving", peer: target.marks.identity });
  const uses = (await source.adapter.leases?.list(useName(place, ""), budget)) ?? [];
  const rivals = uses.filter((use) => use.holder !== holder).map((use) => use.holder);
  if (rivals.length > 0) {
    await source.marks.write(place, HOME);
    throw new ConflictError(
      `${nameOf(place)} is used on "${source.connection}" by ${rivals.join(", ")} and cannot ` +
        `move to "${target.connection}"; stop them first`,
    );
  }
  await target.marks.write(place, { state: "arriving", peer: source.marks.identity });
  const way = { from: source.connection, to: target.connection };
  log.info({ ...place, ...way }, "a store moves to another back end");
}

/** Fills a home that forgets; the source stays the home, and later writes are lost at the end. */
export async function loadStore(
  source: Residence,
  target: Residence,
  options: MoveOptions,
): Promise<CopiedPlace | undefined> {
  options.log.warn(
    { ...options.place, from: source.connection, to: target.connection },
    "a store was loaded into a back end that forgets: what is written to it is lost at the end",
  );
  return copyOver(source, target, options, () => {});
}

async function copyOver(
  source: Residence,
  target: Residence,
  { place, budget, onProgress }: MoveOptions,
  guard: () => void,
): Promise<CopiedPlace | undefined> {
  const [copied] = await copyStores({
    from: source.adapter,
    to: target.adapter,
    sourceName: source.marks.identity,
    places: [(await placeIn(source.adapter, place, budget)) ?? place],
    // The marks have said already that what the target has is of no worth.
    overwrite: true,
    guard,
    timeoutMs: budget.timeoutMs,
    ...(budget.signal === undefined ? {} : { signal: budget.signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return copied;
}
