/** What today's code makes of the bytes of a frame. */
import { decodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import { decodeReport, FRAME_REPORT } from "../../src/node/report.ts";
import {
  decodeAck,
  decodeCaught,
  decodeFar,
  decodePull,
  type PullRows,
} from "../../src/tables/control-frames.ts";
import * as kinds from "../../src/tables/frame-kinds.ts";
import { decodeKey } from "../../src/tables/key.ts";
import { defaultLimits } from "../../src/tables/limits.ts";
import { decodeOps } from "../../src/tables/ops-frame.ts";
import { Replica } from "../../src/tables/replica.ts";
import type { Row } from "../../src/tables/row.ts";
import { decodeChunk, decodeEnd } from "../../src/tables/session-frames.ts";
import type { TableIdentity, TableState } from "../../src/tables/table-state.ts";
import { decodeValue } from "../../src/tables/value.ts";
import { decodeVector } from "../../src/tables/vector-frame.ts";
import type { ChunkMeaning, Meaning, OpMeaning, SiblingMeaning } from "./meaning.ts";

/** A replica that nothing happens to: it interns ids and tables. */
export function blankReplica(): Replica {
  return new Replica(1, defaultLimits, {});
}

/** Throws what the decoder throws. */
export function meaningOf(frame: Uint8Array): Meaning {
  const replica = blankReplica();
  switch (frame[0]) {
    case kinds.FRAME_OPS:
      return opsMeaning(frame, replica);
    case kinds.FRAME_ACK:
      return { kind: "ack", ...decodeAck(frame) };
    case kinds.FRAME_VECTOR:
      return { kind: "vector", ...decodeVector(frame) };
    case kinds.FRAME_PULL: {
      const { id, view, rows } = decodePull(frame);
      return { kind: "pull", id, view, rows: rowsMeaning(rows) };
    }
    case kinds.FRAME_CHUNK:
      return chunkMeaning(frame, replica);
    case kinds.FRAME_END:
      return endMeaning(frame, replica);
    case kinds.FRAME_CAUGHT:
      return { kind: "caught", pullId: decodeCaught(frame) };
    case kinds.FRAME_FAR:
      return { kind: "far", pullId: decodeFar(frame) };
    case FRAME_REPORT:
      return { kind: "report", ...decodeReport(frame) };
    default:
      return decodeClusterFrame(frame);
  }
}

function opsMeaning(frame: Uint8Array, replica: Replica): Meaning {
  const ops = decodeOps(frame, replica);
  const { ids } = replica.origins;
  const [first] = ops;
  if (first === undefined) throw new Error("a golden frame of no ops");
  const meanings = ops.map((op): OpMeaning => {
    const { kind, table, key, hi, lo, value } = op;
    return {
      kind,
      table: identityOf(table),
      key: decodeKey(key),
      ...(kind === "patch" ? { birth: [idOf(ids, op.birthOrigin), op.birthSeq] } : {}),
      ...(op.kills.length === 0
        ? {}
        : { kills: op.kills.map(({ origin, seq }) => [idOf(ids, origin), seq] as const) }),
      stamp: [hi, lo],
      ...(kind === "delete" ? {} : { value: decodeValue(value) }),
      ...(op.batchEnd ? {} : { goesOn: true }),
    };
  });
  return { kind: "ops", origin: idOf(ids, first.origin), firstSeq: first.seq, ops: meanings };
}

/** Of a chunk, and of a frame of the same form. */
export function chunkMeaning(frame: Uint8Array, replica: Replica): Meaning {
  const { ids } = replica.origins;
  const items: ChunkMeaning["items"][number][] = [];
  let pullId = 0;
  const take = (table: TableState, first: Row): void => {
    const siblings: SiblingMeaning[] = [];
    for (let row: Row | null = first; row !== null; row = row.next) {
      if (row.birthSeq > 0) siblings.push(siblingMeaning(row, ids));
    }
    items.push({ table: identityOf(table), key: decodeKey(first.key), siblings });
  };
  decodeChunk(frame, replica, (id) => {
    pullId = id;
    return { take };
  });
  return { kind: "chunk", pullId, items };
}

function siblingMeaning(row: Row, ids: readonly number[]): SiblingMeaning {
  const birth = [idOf(ids, row.birthOrigin), row.birthSeq] as const;
  const { dotOrigin, dotSeq, hi, lo, value } = row;
  if (value === "") return { birth };
  const dot = [idOf(ids, dotOrigin), dotSeq] as const;
  return { birth, written: { dot, stamp: [hi, lo], value: decodeValue(value) } };
}

function endMeaning(frame: Uint8Array, replica: Replica): Meaning {
  const { pullId, view, differs, ahead } = decodeEnd(frame, replica);
  const { ids } = replica.origins;
  return {
    kind: "end",
    pullId,
    view,
    differs: [...differs],
    ahead: ahead.map(({ table, key, origin, seq }) => ({
      table: identityOf(table),
      key: decodeKey(key),
      birth: [idOf(ids, origin), seq],
    })),
  };
}

function rowsMeaning(rows: PullRows): "unsaid" | "none" | number[] {
  return rows.kind === "digest" ? [...rows.words].map((word) => word >>> 0) : rows.kind;
}

function identityOf({ name, type, lifetime }: TableIdentity): TableIdentity {
  return { name, type, lifetime };
}

function idOf(ids: readonly number[], index: number): number {
  const id = ids[index];
  if (id === undefined) throw new Error(`no origin of index ${index}`);
  return id;
}
