/**
 * Faults that break what is promised to users, one at a time. The tests of `test/promises` must
 * notice each of them. Rules of the protocol below are in mutations.ts, for the simulator.
 */
import type { Edit } from "./mutations.ts";

/** One fault. */
export interface PromiseFault {
  readonly name: string;
  /** What is promised. */
  readonly rule: string;
  /** The tests that must fail. */
  readonly test: string;
  readonly edits: readonly Edit[];
}

const WRITES = "test/promises/writes.test.ts";
const ROWS = "test/promises/rows.test.ts";
const LIMITS = "test/promises/limits.test.ts";
const SPLITS = "test/promises/splits.test.ts";
/** By hand: the simulator comes to that moment once in thousands of seeds. */
const EXPIRY = "test/tables/expiry.test.ts";
const SERIAL = "test/tables/serial/serial.test.ts";
/** Likewise: ops must have come by way of a node that died before its next ping. */
const ABSENCE = "test/cluster/cluster-absence.test.ts";
const DETOURS = "test/tables/serial/detours.test.ts";
/** Likewise: a table is removed while the rows of an owner that went are being told. */
const STATE = "test/tables/table-state.test.ts";
/** Likewise: an origin is closed between the beginning of a session with it and the end. */
const HEAL = "test/tables/heal.test.ts";

const one = (
  name: string,
  rule: string,
  test: string,
  edit: readonly [file: string, find: string, replace: string],
): PromiseFault => {
  const [file, find, replace] = edit;
  return { name, rule, test, edits: [{ file, find, replace }] };
};

/** In the order of the promises. */
export const PROMISE_FAULTS: readonly PromiseFault[] = [
  one("P1-read-sends", "a read never crosses the network", WRITES, [
    "src/tables/table.ts",
    "get(key: Key): V | undefined {",
    "get(key: Key): V | undefined {\n    this.#calls.tables.wait(0, { need: 0, timeoutMs: 1 }, { done() {}, fail() {} });",
  ]),
  one("P1-own-writes-wait", "a node sees its own writes at once", WRITES, [
    "src/tables/write-calls.ts",
    "const seq = write();",
    "queueMicrotask(write);\n      const seq = this.tables.replica.nextSeq;",
  ]),
  one("P2-acked-when-written", "an acknowledged write is everywhere", WRITES, [
    "src/tables/acks.ts",
    "if (member.counted) lowest = Math.min(lowest, reachedBy(member));",
    "",
  ]),
  one("P2-one-is-enough", "an acknowledged write is everywhere", WRITES, [
    "src/tables/acks.ts",
    "let lowest = Number.POSITIVE_INFINITY;",
    "let lowest = Math.max(...[...this.#members.values()].map(reachedBy));",
  ]),
  one("P2-link-loss-excuses", "losing the link alone excuses nobody", WRITES, [
    "src/tables/acks.ts",
    "if (!member.counted && !member.alive) this.#members.delete(id);\n    this.#changed();",
    "this.#members.delete(id);\n    this.#changed();\n    this.settle();",
  ]),
  one("P2-joiner-unnamed", "members still catching up are named", WRITES, [
    "src/tables/acks.ts",
    "catchingUp: Object.freeze(late.map((member) => member.name)),",
    "catchingUp: Object.freeze([] as string[]),",
  ]),
  one("P2-alone-unsaid", "a write that lives on this node only says so", WRITES, [
    "src/tables/acks.ts",
    "alone: nodes === 0,",
    "alone: false,",
  ]),
  one("P3-order-by-arrival", "replicas hold the same rows, whatever the order", ROWS, [
    "src/tables/row.ts",
    "return (ids[a.dotOrigin] as number) - (ids[b.dotOrigin] as number);",
    "return a.dotOrigin - b.dotOrigin;",
  ]),
  one("P4-unlisted-kept", "nothing deleted comes back", ROWS, [
    "src/tables/merge.ts",
    "if (this.#end.differs.includes(1)) yield* this.#dropUnlisted();",
    "",
  ]),
  one("P4-patch-creates", "a patch never wins against a delete", ROWS, [
    "src/tables/replica.ts",
    "if (this.origins.covered(birthOrigin, birthSeq)) return;",
    "",
  ]),
  one("P5-hung-waited-for", "a hung peer stops writers no longer than it takes to tell", WRITES, [
    "src/cluster/cluster-options.ts",
    "downMs: 3500,",
    "downMs: 6000,",
  ]),
  one("P5-joiner-waited-for", "a join stops no writer", WRITES, [
    "src/tables/acks.ts",
    "if (member.counted) lowest = Math.min(lowest, reachedBy(member));",
    "lowest = Math.min(lowest, reachedBy(member));",
  ]),
  one("P6-ghosts", "a dead node's rows vanish", ROWS, [
    "src/tables/tables.ts",
    "if (!origins.setHidden(origins.intern(id), true)) return;",
    "return;",
  ]),
  one("P6-other-reason", "they vanish with the reason", ROWS, [
    "src/tables/change-feed.ts",
    'return this.#isGone(row) ? "ownerDown" : "ownerSuspect";',
    'return this.#isGone(row) ? "deleted" : "deleted";',
  ]),
  one("P6-expiry-of-the-living", "only rows of owners that are gone are ended by others", EXPIRY, [
    "src/tables/expirer.ts",
    "if (!hidden[row.birthOrigin] || row",
    "if (hidden.length === 0 || row",
  ]),
  one("P7-everybody-wins", "a serial operation has one winner", ROWS, [
    "src/tables/serial/decisions.ts",
    "if (this.#current() !== undefined) return { seq: 0, result: false };",
    "",
  ]),
  one("P7-absent-unheard-of", "a row of one whom the leader counts as alive is there", SERIAL, [
    "src/tables/serial/requests.ts",
    "const isKnown = coversView(this.#origins, batch.view) && this.#seesAll(batch.alive);",
    "const isKnown = coversView(this.#origins, batch.view);",
  ]),
  one("P7-detour-survives", "a way around a broken link ends when a link under it does", DETOURS, [
    "src/tables/serial/detours.ts",
    "if (relays && peer !== id) this.#parts.send(peer",
    "if (relays && peer === id) this.#parts.send(peer",
  ]),
  one("P7-no-way-around", "with one broken link every node's serial calls are served", DETOURS, [
    "src/tables/serial/detours.ts",
    "if (isMissing && this.#unlinked.has(member.id)) this.#open(member);",
    "",
  ]),
  one("P8-writes-wait-unbounded", "over the limit a write is refused", LIMITS, [
    "src/tables/tables.ts",
    "this.acks.admit(writes);",
    "",
  ]),
  one("P8-batch-unbounded", "a batch over its size is refused", LIMITS, [
    "src/tables/batch.ts",
    "if (entries.length > limits.batchRows) {",
    "if (entries.length > 10 * limits.batchRows) {",
  ]),
  one("P8-watcher-unbounded", "a watcher that does not read costs its buffer", LIMITS, [
    "src/tables/watch-queue.ts",
    "if (this.#live >= this.#max) {",
    "if (this.#live >= 100 * this.#max) {",
  ]),
  one("P9-any-proof", "without the secret no link is made", LIMITS, [
    "src/cluster/handshake.ts",
    "if (timingSafeEqual(expected, claim.proof)) isSigned = true;",
    "isSigned = expected.length > 0;",
  ]),
  one("P9-open-to-all", "off loopback a secret is required", LIMITS, [
    "src/node/options.ts",
    "if (secrets.length === 0 && !isLoopback(host)) {",
    "if (secrets.length === 0 && host.length === 0) {",
  ]),
  one("split-serial-decides", "a paused side decides no serial call", SPLITS, [
    "src/tables/serial-calls.ts",
    "          this.#calls.checkWritable(this.#reads.state);\n          const decision",
    "          const decision",
  ]),
  one("split-serial-wins", "a serial call is not won on a paused side", SPLITS, [
    "src/tables/serial-calls.ts",
    "    if (error === null) done();\n    else fail(error);",
    "    if (error === null || error.isWritten) done();\n    else fail(error);",
  ]),
  one("told-after-removal", "a table that is gone tells nothing more", STATE, [
    "src/tables/table-state.ts",
    "this.feed?.end();",
    "",
  ]),
  one("merges-though-closed", "who is closed keeps its own rows to read", HEAL, [
    "src/tables/receiver.ts",
    "if (this.#endsSelf(end.view)) {",
    "if (this.#selfId < 0) {",
  ]),
  one("strangers-kept", "an origin that nobody alive knew as a member is closed, too", ABSENCE, [
    "src/cluster/roster.ts",
    "for (const origin of this.#environment.openOrigins()) this.#detector.learned(origin, now);",
    "this.#detector.forget(-now);",
  ]),
  one("split-clear", "every kind of write is refused on a paused side", SPLITS, [
    "src/tables/table-transfer.ts",
    "  reads.tables.checkWritable(1, reads.state);\n  let removed = 0;",
    "  let removed = 0;",
  ]),
];

/** One of each promise, for the gate. */
export const QUICK_PROMISES: ReadonlySet<string> = new Set([
  "P1-read-sends",
  "P2-acked-when-written",
  "P2-link-loss-excuses",
  "P3-order-by-arrival",
  "P4-unlisted-kept",
  "P5-hung-waited-for",
  "P6-ghosts",
  "P7-everybody-wins",
  "P8-writes-wait-unbounded",
  "P9-any-proof",
]);
