/** One change, as it is applied, kept in the op ring and encoded into frames. */
import type { TableState } from "./table-state.ts";

/** `set` makes a birth, `patch` writes under one, `delete` only kills. */
export type OpKind = "set" | "patch" | "delete";

/** A birth that an op ends, or any dot: local origin index and seq. */
export interface Dot {
  readonly origin: number;
  readonly seq: number;
}

/** One op. Origins are local indexes; the issuing origin is known from where the op stands. */
export interface Op {
  readonly origin: number;
  readonly seq: number;
  readonly kind: OpKind;
  readonly table: TableState;
  readonly key: string;
  /** The op's own dot for `set`, the birth written under for `patch`, unused for `delete`. */
  readonly birthOrigin: number;
  readonly birthSeq: number;
  /** Births ended by this op. */
  readonly kills: readonly Dot[];
  readonly hi: number;
  readonly lo: number;
  /** Encoded value, "" for `delete`. */
  readonly value: string;
  /** False while more ops of the same batch follow. */
  readonly batchEnd: boolean;
}

/** No births: shared, so that most ops carry no array of their own. */
export const NO_KILLS: readonly Dot[] = [];

/** Whether an op removes a row because its time is over: it names its own dot among its kills. */
export function isExpiry(op: {
  readonly kind: OpKind;
  readonly origin: number;
  readonly seq: number;
  readonly kills: readonly Dot[];
}): boolean {
  if (op.kind !== "delete") return false;
  const last = op.kills.at(-1);
  return last !== undefined && last.seq === op.seq && last.origin === op.origin;
}

/** About the bytes that an op takes in a frame; used for limits and credit. */
export function opBytes(op: Op): number {
  return 24 + op.key.length + op.value.length + op.kills.length * 6;
}
