/** What a checker says when a promise is broken: its name, and what differs. */

/** Every checker. The name is printed with a failing seed, and `npm run mutate` asks for it. */
export type CheckerName =
  /** A replica holds what the ops it covers do not explain. */
  | "state:extra"
  | "state:missing"
  | "state:value"
  | "state:order"
  | "state:ahead"
  /** Two replicas of equal views hold different rows. */
  | "state:fork"
  /** An ordered index, a secondary index or the size does not fit the rows. */
  | "index"
  /** A vector ends inside a batch. */
  | "batch"
  /** A vector covers ops that were never written, or went back. */
  | "vector"
  /** A log's numbers are not 1, 2, 3 … */
  | "log"
  /** A writer's op does not kill what it held, or patches what it did not see. */
  | "write"
  /** P2: reported as acknowledged, and a member that counted does not have it. */
  | "ack"
  /** P2: a member in good order is not counted, or names nobody and is not alone. */
  | "ack:uncounted"
  /** P5: a write waited longer than the failure detector and the lag limit allow. */
  | "pending"
  /** P6: rows of a dead node are still shown, or its origin is still open. */
  | "death:shown"
  | "death:open"
  /** A node that lives and is in reach is hidden. */
  | "death:false"
  /** Taken for dead by a refusal that was none, or while somebody in reach has a link to it. */
  | "death:unrefused"
  | "death:vouched"
  /** P3: at rest, replicas differ or something is left over. */
  | "rest"
  /** Retired origins differ in what was covered of them. */
  | "retire"
  /** Watchers are told of a change twice, never, or not as it was. */
  | "watch"
  /** A lost row is told twice, never, or was not lost. */
  | "conflict"
  /** A row was removed before its time, or is left after it. */
  | "expiry"
  /** P8: something grew over its limit. */
  | "bounds"
  /** A digest said that replicas differ which do not. */
  | "digest"
  /** P7: serial calls of one key are not linearizable. */
  | "serial"
  /** Two births of one key, neither of which ended the other. */
  | "serial:fork"
  /** Two nodes hold on to one key. */
  | "serial:hold"
  /** Calls at rest are not served, or something of them is left over. */
  | "serial:rest"
  /** A table that pauses was written on the smaller side of a split, and nobody saw why not. */
  | "split:accepted"
  /** A node counts on a lease that the database does not have, or has given to another one. */
  | "split:lease"
  /** A majority that was whole was refused a write, or nodes at rest were. */
  | "split:refused"
  /** A write counts as done, and no majority has it. */
  | "split:done"
  /** A write still waits although its table is paused. */
  | "split:pending"
  /** A refused write has changed something. */
  | "split:changed"
  /** With one link broken, rows or acknowledgements do not come through by way of others. */
  | "relay"
  | "gaps"
  | "protocol"
  | "frame"
  | "fenced"
  /** The code under test threw: a bug, and not what a mutation is allowed to show as. */
  | "crash";

/** The first one ends a run. */
export interface Violation {
  readonly checker: CheckerName;
  readonly message: string;
  /** Virtual time, ms. */
  readonly atMs: number;
}
