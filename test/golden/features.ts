/**
 * Frames behind features, each with what it means and how today's code reads and writes it;
 * features.hex has their bytes. A line there is changed only together with the name of the feature:
 * a node that names it understands just that.
 */
import { ByteReader, ByteWriter } from "../../src/bytes.ts";
import { decodeClusterFrame, encodeClusterFrame } from "../../src/cluster/cluster-frames.ts";
import {
  decodeChanged,
  decodeForgotten,
  encodeChanged,
  encodeForgotten,
} from "../../src/node/coherence-frames.ts";
import { DumpPage, readPage, readRequest, writeRequest } from "../../src/node/dump-frames.ts";
import {
  decodeLeaseAsk,
  decodeLeaseGrant,
  encodeLeaseAsk,
  encodeLeaseGrant,
  type LeaseGrant,
} from "../../src/node/lease-frames.ts";
import * as comparison from "../../src/tables/comparison/comparison-frames.ts";
import { DictionaryWriter } from "../../src/tables/frame-dictionary.ts";
import { FRAME_SHOWN } from "../../src/tables/frame-kinds.ts";
import { decodeHeld, HeldBirths } from "../../src/tables/held-births.ts";
import { stampToMs } from "../../src/tables/hybrid-clock.ts";
import { encodeKey } from "../../src/tables/key.ts";
import { decodeRetired, encodeRetired } from "../../src/tables/retired-frame.ts";
import { Row } from "../../src/tables/row.ts";
import {
  decodeSerial,
  encodeSerial,
  type SerialFrame,
} from "../../src/tables/serial/serial-frames.ts";
import { beginChunk, writeItemHead, writeSibling } from "../../src/tables/session-frames.ts";
import type { TableIdentity } from "../../src/tables/table-state.ts";
import { decodeValue, encodeValue } from "../../src/tables/value.ts";
import { VIEW } from "./protocol-1.ts";
import { blankReplica, chunkMeaning } from "./reading.ts";

/** A frame both ways. */
export interface FeatureFrame {
  readonly kind: number;
  readonly meaning: unknown;
  readonly write: () => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
}

const ROOMS: TableIdentity = { name: "räume", type: "set", lifetime: "cluster" };
const MEMBERS: TableIdentity = { name: "members", type: "bag", lifetime: "node" };
const GRANT: LeaseGrant = { round: 300, term: 3, holder: 8_589_934_592, leftMs: 8_750 };
const KEY = encodeKey(["example.com", "alice"]);
const CHANGE = { host: "example.com", store: "roster", user: "älice" };
const PRINT = { a: -2, b: 123_456 };

function serial(kind: number, frame: SerialFrame): FeatureFrame {
  const read = (bytes: Uint8Array): SerialFrame => {
    const read = decodeSerial(bytes);
    const isCarrying = read.kind === "detour" && read.act === "carry";
    return isCarrying ? { ...read, bytes: new Uint8Array(read.bytes) } : read;
  };
  return { kind, meaning: frame, write: () => encodeSerial(frame), read };
}

function keysBytes(): Uint8Array {
  const replica = blankReplica();
  const writer = new DictionaryWriter(replica.origins.ids);
  comparison.beginKeys(writer, 12);
  comparison.writePrintedKey(writer, { table: replica.table(ROOMS), key: KEY, print: PRINT });
  return new Uint8Array(comparison.finishKeys(writer));
}

function showBytes(): Uint8Array {
  const replica = blankReplica();
  const writer = new DictionaryWriter(replica.origins.ids);
  const keys = [ROOMS, MEMBERS].map((table) => ({ table: replica.table(table), key: KEY }));
  return new Uint8Array(comparison.encodeShow(writer, { id: 12, keys }));
}

function shownBytes(): Uint8Array {
  const replica = blankReplica();
  const writer = new DictionaryWriter(replica.origins.ids);
  beginChunk(writer, 12);
  writeItemHead(writer, { table: replica.table(MEMBERS), key: KEY, siblings: 1 });
  const origin = replica.origins.intern(300);
  writeSibling(writer, new Row(KEY, encodeValue({ n: 1 }), origin, 7, origin, 8, 9, 10), true);
  return new Uint8Array(writer.finish(FRAME_SHOWN));
}

function heldBytes(): Uint8Array {
  const replica = blankReplica();
  const held = new HeldBirths();
  const origin = replica.origins.intern(300);
  for (const seq of [70_000, 1, 300]) held.add(origin, seq);
  return new Uint8Array(held.take(new DictionaryWriter(replica.origins.ids), 12));
}

function heldMeaning(bytes: Uint8Array): unknown {
  const replica = blankReplica();
  const { pullId, runs } = decodeHeld(bytes, replica);
  return {
    id: pullId,
    runs: runs.map(({ origin, seqs }) => ({ origin: replica.origins.ids[origin], seqs })),
  };
}

function pageBytes(): Uint8Array {
  const page = new DumpPage(3);
  page.add(new Row(KEY, encodeValue("v"), 0, 7, 1, 8, 180_000_000, 4096), {
    ids: [300, 301],
    isHidden: true,
  });
  page.isLast = true;
  return new Uint8Array(page.take());
}

const REQUEST = { id: 3, isFirst: true, table: MEMBERS, hidden: true };
const COMPARE = { id: 12, mutual: true, sums: Int32Array.of(1, -1, 0, 65_536) };
const COMPARED = { id: 12, view: VIEW, differs: Uint8Array.of(0, 1) };
const RETIRED: ReadonlyMap<number, number> = new Map([[7, 12]]);
const ASKED = { request: 4, resource: "räume|set|cluster|k", quorum: true };
const PLEDGED = { origin: 300, request: 4, resource: "räume|set|cluster|k" };
const TERM = { count: 200, leader: 7 };

/** By the names of features.hex. */
export const FEATURE_FRAMES: Readonly<Record<string, FeatureFrame>> = {
  retired: {
    kind: 0x28,
    meaning: RETIRED,
    write: () => encodeRetired(RETIRED),
    read: decodeRetired,
  },
  digest: {
    kind: 0x29,
    meaning: PRINT,
    write: () => comparison.encodeDigest(PRINT),
    read: comparison.decodeDigest,
  },
  compare: {
    kind: 0x2a,
    meaning: COMPARE,
    write: () => comparison.encodeCompare(COMPARE),
    read: comparison.decodeCompare,
  },
  keys: {
    kind: 0x2b,
    meaning: { id: 12, keys: [{ table: ROOMS.name, key: KEY, print: PRINT }] },
    write: keysBytes,
    read: (bytes) => {
      const { id, keys } = comparison.decodeKeys(bytes, blankReplica());
      return { id, keys: keys.map((item) => ({ ...item, table: item.table.name })) };
    },
  },
  show: {
    kind: 0x2c,
    meaning: { id: 12, keys: [ROOMS, MEMBERS].map(({ name }) => ({ table: name, key: KEY })) },
    write: showBytes,
    read: (bytes) => {
      const { id, keys } = comparison.decodeShow(bytes, blankReplica());
      return { id, keys: keys.map(({ table, key }) => ({ table: table.name, key })) };
    },
  },
  shown: {
    kind: 0x2d,
    meaning: {
      kind: "chunk",
      pullId: 12,
      items: [
        {
          table: MEMBERS,
          key: ["example.com", "alice"],
          siblings: [
            { birth: [300, 7], written: { dot: [300, 8], stamp: [9, 10], value: { n: 1 } } },
          ],
        },
      ],
    },
    write: shownBytes,
    read: (bytes) => chunkMeaning(bytes, blankReplica()),
  },
  compared: {
    kind: 0x2e,
    meaning: COMPARED,
    write: () => comparison.encodeCompared(COMPARED),
    read: comparison.decodeCompared,
  },
  held: {
    kind: 0x2f,
    meaning: { id: 12, runs: [{ origin: 300, seqs: [1, 300, 70_000] }] },
    write: heldBytes,
    read: heldMeaning,
  },
  state: serial(0x30, {
    ...{ kind: "state", promised: TERM, voter: true, view: VIEW },
    pledged: [PLEDGED],
  }),
  lead: serial(0x31, { kind: "lead", count: 200 }),
  follow: serial(0x32, {
    ...{ kind: "follow", promised: TERM, voter: false, view: VIEW, links: [7, 300] },
    ...{ holds: [{ ...ASKED, quorum: false }], pledged: [PLEDGED] },
  }),
  ask: serial(0x33, { kind: "ask", count: 200, asked: [ASKED] }),
  grant: serial(0x34, {
    ...{ kind: "grant", count: 200, view: VIEW, alive: [300], requests: [4, 5] },
  }),
  refuse: serial(0x35, { kind: "refuse", requests: [4] }),
  release: serial(0x36, {
    kind: "release",
    released: [
      { request: 4, upTo: 70_000 },
      { request: 5, upTo: 0 },
    ],
  }),
  confirm: serial(0x37, { kind: "confirm", id: 9, view: VIEW, asked: [ASKED] }),
  confirmed: serial(0x38, {
    ...{ kind: "confirmed", id: 9, promised: TERM, voter: true, closed: [7] },
  }),
  "detour, opened": serial(0x39, { kind: "detour", from: 300, to: 7, number: 2, act: "open" }),
  "detour, accepted": serial(0x39, { kind: "detour", from: 7, to: 300, number: 2, act: "accept" }),
  "detour, closed": serial(0x39, { kind: "detour", from: 7, to: 300, number: 2, act: "close" }),
  "detour, carries": serial(0x39, {
    ...{ kind: "detour", from: 7, to: 300, number: 2, act: "carry" },
    bytes: Uint8Array.of(0x31, 5),
  }),
  unreachable: serial(0x3a, { kind: "unreachable", id: 300 }),
  report: serial(0x3b, { kind: "report", view: VIEW, links: [7, 300] }),
  ended: serial(0x3c, { kind: "ended", released: [{ request: 4, upTo: 12 }] }),
  "dump request": {
    kind: 0x41,
    meaning: REQUEST,
    write: () => {
      const writer = new ByteWriter(16);
      writeRequest(writer, REQUEST);
      return writer.take();
    },
    read: (bytes) => readRequest(new ByteReader(bytes)),
  },
  "dump page": {
    kind: 0x42,
    meaning: {
      ...{ id: 3, isLast: true, isRefused: false },
      rows: [
        {
          ...{ key: KEY, value: decodeValue(encodeValue("v")), version: "301.8" },
          ...{ ownerOrigin: 300, writtenAt: stampToMs(180_000_000, 4096), hidden: true },
        },
      ],
    },
    write: pageBytes,
    read: (bytes) => readPage(new ByteReader(bytes)),
  },
  "lease ask": {
    kind: 0x43,
    meaning: 300,
    write: () => encodeLeaseAsk(300),
    read: decodeLeaseAsk,
  },
  lease: {
    kind: 0x44,
    meaning: GRANT,
    write: () => encodeLeaseGrant(GRANT),
    read: decodeLeaseGrant,
  },
  link: {
    kind: 0x08,
    meaning: { kind: "link", linked: true, origin: 300 },
    write: () => encodeClusterFrame({ kind: "link", linked: true, origin: 300 }),
    read: decodeClusterFrame,
  },
  "link, lost": {
    kind: 0x08,
    meaning: { kind: "link", linked: false, origin: 7 },
    write: () => encodeClusterFrame({ kind: "link", linked: false, origin: 7 }),
    read: decodeClusterFrame,
  },
  "store changed": {
    kind: 0x45,
    meaning: { id: 300, change: CHANGE },
    write: () => encodeChanged(300, CHANGE),
    read: decodeChanged,
  },
  "store changed, all": {
    kind: 0x45,
    meaning: { id: 4, change: { ...CHANGE, user: undefined } },
    write: () => encodeChanged(4, { ...CHANGE, user: undefined }),
    read: decodeChanged,
  },
  "store forgotten": {
    kind: 0x46,
    meaning: 300,
    write: () => encodeForgotten(300),
    read: decodeForgotten,
  },
};
