/** The bytes that today's code makes of a meaning. */
import { encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import { encodeReport } from "../../src/node/report.ts";
import {
  encodeAck,
  encodeCaught,
  encodeFar,
  encodePull,
  type PullRows,
} from "../../src/tables/control-frames.ts";
import { DictionaryWriter } from "../../src/tables/frame-dictionary.ts";
import { encodeKey } from "../../src/tables/key.ts";
import type { Op } from "../../src/tables/op.ts";
import { OpRing } from "../../src/tables/op-ring.ts";
import { encodeOps } from "../../src/tables/ops-frame.ts";
import type { Replica } from "../../src/tables/replica.ts";
import { Row } from "../../src/tables/row.ts";
import {
  beginChunk,
  encodeEnd,
  finishChunk,
  writeItemHead,
  writeSibling,
} from "../../src/tables/session-frames.ts";
import { encodeValue } from "../../src/tables/value.ts";
import { encodeVector } from "../../src/tables/vector-frame.ts";
import type { ChunkMeaning, EndMeaning, Meaning, OpMeaning, OpsMeaning } from "./meaning.ts";
import { blankReplica } from "./reading.ts";

const LARGE = { opsMax: 1000, bytesMax: 1_000_000, frameOps: 1000, frameBytes: 1_000_000 };

/** The whole frame. */
export function bytesOf(meaning: Meaning): Uint8Array {
  switch (meaning.kind) {
    case "ops":
      return opsBytes(meaning);
    case "ack":
      return encodeAck(meaning);
    case "vector":
      return encodeVector(meaning);
    case "pull":
      return encodePull({ id: meaning.id, view: meaning.view, rows: rowsOf(meaning.rows) });
    case "chunk":
      return chunkBytes(meaning);
    case "end":
      return endBytes(meaning);
    case "caught":
      return encodeCaught(meaning.pullId);
    case "far":
      return encodeFar(meaning.pullId);
    case "report":
      return encodeReport(meaning);
    default:
      return encodeClusterFrame(meaning);
  }
}

function opsBytes({ origin, firstSeq, ops }: OpsMeaning): Uint8Array {
  const replica = blankReplica();
  const ring = new OpRing(LARGE, firstSeq);
  for (const [at, op] of ops.entries()) {
    ring.push(opOf(op, replica, { origin: replica.origins.intern(origin), seq: firstSeq + at }));
  }
  const writer = new DictionaryWriter(replica.origins.ids);
  const range = { firstSeq, lastSeq: firstSeq + ops.length - 1 };
  return new Uint8Array(encodeOps(writer, ring, range, LARGE).frame);
}

function opOf(op: OpMeaning, replica: Replica, dot: { origin: number; seq: number }): Op {
  const [hi, lo] = op.stamp;
  return {
    ...dot,
    kind: op.kind,
    table: replica.table(op.table),
    key: encodeKey(op.key as never),
    birthOrigin: op.birth === undefined ? dot.origin : replica.origins.intern(op.birth[0]),
    birthSeq: op.birth?.[1] ?? dot.seq,
    kills: (op.kills ?? []).map(([id, seq]) => ({ origin: replica.origins.intern(id), seq })),
    hi,
    lo,
    value: op.kind === "delete" ? "" : encodeValue(op.value),
    batchEnd: op.goesOn !== true,
  };
}

function chunkBytes({ pullId, items }: ChunkMeaning): Uint8Array {
  const replica = blankReplica();
  const { origins } = replica;
  const writer = new DictionaryWriter(origins.ids);
  beginChunk(writer, pullId);
  for (const { table, key, siblings } of items) {
    const encoded = encodeKey(key as never);
    const head = { table: replica.table(table), key: encoded, siblings: siblings.length };
    writeItemHead(writer, head);
    for (const { birth, written } of siblings) {
      const { dot, stamp, value } = written ?? { dot: birth, stamp: [0, 0], value: null };
      const births = [origins.intern(birth[0]), birth[1]] as const;
      const dots = [origins.intern(dot[0]), dot[1]] as const;
      const [hi, lo] = stamp;
      const row = new Row(encoded, encodeValue(value), ...births, ...dots, hi ?? 0, lo ?? 0);
      writeSibling(writer, row, written !== undefined);
    }
  }
  return new Uint8Array(finishChunk(writer));
}

function endBytes({ pullId, view, differs, ahead }: EndMeaning): Uint8Array {
  const replica = blankReplica();
  return new Uint8Array(
    encodeEnd(new DictionaryWriter(replica.origins.ids), {
      pullId,
      view,
      buckets: differs.length,
      differs: Uint8Array.from(differs),
      ahead: ahead.map(({ table, key, birth: [id, seq] }) => ({
        table: replica.table(table),
        key: encodeKey(key as never),
        origin: replica.origins.intern(id),
        seq,
      })),
    }),
  );
}

function rowsOf(rows: "unsaid" | "none" | readonly number[]): PullRows {
  if (typeof rows === "string") return { kind: rows };
  return { kind: "digest", words: Int32Array.from(rows, (word) => word | 0) };
}
