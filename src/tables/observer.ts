/** Hooks for whoever watches the replica from outside: tests, the simulator, status. */
import type { OpKind } from "./op.ts";

/** A dot or birth in cluster-wide form. */
export type PlainDot = readonly [originId: number, seq: number];

/** A local write, as it went into the log. */
export interface WrittenOp {
  readonly dot: PlainDot;
  readonly table: string;
  readonly key: string;
  readonly kind: OpKind;
  /** The birth written under; null for `delete`. */
  readonly birth: PlainDot | null;
  readonly kills: readonly PlainDot[];
  readonly stamp: readonly [hi: number, lo: number];
  readonly value: string;
  readonly batchEnd: boolean;
}

/** Called synchronously; must not call back into the tables. */
export interface TablesObserver {
  /** This node wrote an op. */
  wrote?(op: WrittenOp): void;
  /** A key's rows may have changed. */
  touched?(table: string, key: string): void;
  /** A state session was merged whole. */
  merged?(): void;
  /** An origin was closed here. */
  closed?(originId: number): void;
  /** A member lags and is no longer waited for. */
  lagged?(originId: number): void;
  /** Origins were retired here. */
  retired?(originIds: readonly number[]): void;
}
