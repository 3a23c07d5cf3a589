/**
 * Frames of protocol 1, each with what it means; protocol-1.hex has their bytes, as version 0.1.0
 * writes them. Neither is ever changed: a node of version 0.1.0 sends just that.
 */
import type { Introduction } from "../../src/cluster/cluster-frames.ts";
import type { TableIdentity } from "../../src/tables/table-state.ts";
import type { View } from "../../src/tables/view.ts";
import type { Meaning, OpMeaning } from "./meaning.ts";

const SESSIONS: TableIdentity = { name: "sessions", type: "set", lifetime: "node" };
const ROOMS: TableIdentity = { name: "räume", type: "set", lifetime: "cluster" };
const MEMBERS: TableIdentity = { name: "members", type: "bag", lifetime: "node" };
const INVITED: TableIdentity = { name: "invited", type: "bag", lifetime: "cluster" };

const INTRODUCTION: Introduction = {
  protocols: { min: 1, max: 1 },
  cluster: "chat",
  origin: 300,
  name: "node-a",
  nodeNumber: 2,
  address: "ws://10.0.0.5:7400",
  features: ["one", "two"],
  nonce: Uint8Array.from({ length: 16 }, (_, at) => 16 * at),
  wall: 1_750_000_000_123,
  side: { openMembers: 3, lowestOrigin: 7 },
};
const PROOF = Uint8Array.from({ length: 32 }, (_, at) => 255 - at);

/** A view of some origins, as these frames and those behind features carry it. */
export const VIEW: View = {
  vector: new Map([
    [300, 70_000],
    [7, 0],
    [8_589_934_592, 1],
  ]),
  closed: [7, 9],
  retired: [
    [1, 6],
    [11, 11],
  ],
};
const NO_VIEW: View = { vector: new Map(), closed: [], retired: [] };

const KEYS: readonly unknown[] = [
  null,
  false,
  true,
  0,
  -1.5,
  1e300,
  -(2 ** 60),
  0n,
  12_345_678_901_234_567_890n,
  -7n,
  "",
  "alice",
  "\u0000zero",
  "\ud800 alone",
  "a\u0301",
  [],
  ["example.com", "alice", 1, [2n, null]],
];

const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  3.25,
  2 ** 40,
  "text",
  "ä\u{1f600}",
  123_456_789_012_345_678_901n,
  undefined,
  [],
  [1, "two", [3]],
  {},
  { user: "alice", priority: 5, info: { mood: "fine", list: [1, 2] } },
  new Map<unknown, unknown>([["a", { b: 1 }]]),
  new Set([1, "2"]),
  new Date(1_750_000_000_123),
  Uint8Array.of(0, 1, 254, 255),
  { at: new Date(0), bytes: Uint8Array.of(1), both: new Map([[1, new Set([2])]]) },
];

function sets(what: { keys: readonly unknown[]; values: readonly unknown[] }): OpMeaning[] {
  const count = Math.max(what.keys.length, what.values.length);
  return Array.from({ length: count }, (_, at) => ({
    kind: "set",
    table: SESSIONS,
    key: at < what.keys.length ? what.keys[at] : `k${at}`,
    stamp: [180_000_000, 1_048_576 * at],
    value: at < what.values.length ? what.values[at] : at,
  }));
}

/** By the names of protocol-1.hex. */
export const PROTOCOL_1: Readonly<Record<string, Meaning>> = {
  hello: { kind: "hello", ...INTRODUCTION },
  "hello without features, of a first node": {
    kind: "hello",
    ...INTRODUCTION,
    features: [],
    nodeNumber: 0,
    side: { openMembers: 1, lowestOrigin: 300 },
  },
  "welcome, open": {
    kind: "welcome",
    protocol: 1,
    ...INTRODUCTION,
    verdict: "open",
    proof: PROOF,
  },
  "welcome, closed": {
    kind: "welcome",
    protocol: 1,
    ...INTRODUCTION,
    verdict: "closed",
    proof: PROOF,
  },
  "proof, open": { kind: "proof", verdict: "open", proof: PROOF },
  "proof, superseded": { kind: "proof", verdict: "superseded", proof: PROOF },
  "refuse, protocol": { kind: "refuse", reason: "protocol", message: "no common version" },
  "refuse, cluster": { kind: "refuse", reason: "cluster", message: "other cluster" },
  "refuse, secret": { kind: "refuse", reason: "secret", message: "wrong secret" },
  "refuse, name": { kind: "refuse", reason: "name", message: "known as “b”" },
  "refuse, self": { kind: "refuse", reason: "self", message: "" },
  "refuse, fenced": { kind: "refuse", reason: "fenced", message: "closed" },
  "refuse, clock": { kind: "refuse", reason: "clock", message: "61 s apart" },
  "refuse, busy": { kind: "refuse", reason: "busy", message: "64 under way" },
  "refuse, malformed": { kind: "refuse", reason: "malformed", message: "x" },
  "refuse, timeout": { kind: "refuse", reason: "timeout", message: "5 s" },
  "ping of a node alone": {
    kind: "ping",
    stamp: 0,
    members: [{ origin: 1, name: "a", nodeNumber: 0, address: "ws://h:1", beat: 0, linked: false }],
    absent: [],
  },
  "ping with members and an absent origin": {
    kind: "ping",
    stamp: 123_456.789,
    members: [
      { origin: 300, name: "node-a", nodeNumber: 2, address: "ws://h:1", beat: 9, linked: false },
      {
        origin: 7,
        name: "b",
        nodeNumber: 1,
        address: "wss://b.example:7400",
        beat: 200,
        linked: true,
      },
      {
        origin: 8_589_934_592,
        name: "ç",
        nodeNumber: 255,
        address: "ws://c:2",
        beat: 1,
        linked: false,
      },
    ],
    absent: [9, 11],
  },
  pong: { kind: "pong", stamp: 123_456.789 },
  goodbye: { kind: "goodbye" },
  "ops: sets of every kind of key": {
    kind: "ops",
    origin: 300,
    firstSeq: 1,
    ops: sets({ keys: KEYS, values: [] }),
  },
  "ops: sets of every kind of value": {
    kind: "ops",
    origin: 300,
    firstSeq: 70_001,
    ops: sets({ keys: [], values: VALUES }),
  },
  "ops: kills, a patch of another's row, deletes and a batch": {
    kind: "ops",
    origin: 300,
    firstSeq: 5,
    ops: [
      {
        kind: "set",
        table: ROOMS,
        key: "r1",
        kills: [
          [300, 2],
          [7, 41],
        ],
        stamp: [180_000_000, 999],
        value: { n: 1 },
      },
      {
        kind: "patch",
        table: ROOMS,
        key: "r2",
        birth: [7, 40],
        stamp: [180_000_000, 1000],
        value: { n: 2 },
      },
      {
        kind: "patch",
        table: SESSIONS,
        key: "s",
        birth: [300, 3],
        kills: [[8_589_934_592, 1]],
        stamp: [180_000_001, 0],
        value: { n: 3 },
      },
      {
        kind: "delete",
        table: ROOMS,
        key: "r3",
        kills: [[7, 39]],
        stamp: [180_000_001, 1],
        goesOn: true,
      },
      { kind: "delete", table: ROOMS, key: "r4", kills: [[7, 38]], stamp: [180_000_001, 2] },
      { kind: "delete", table: ROOMS, key: "r5", stamp: [179_999_999, 5] },
    ],
  },
  "ops of bags: adds and a remove": {
    kind: "ops",
    origin: 7,
    firstSeq: 1,
    ops: [
      { kind: "set", table: MEMBERS, key: ["room", 1], stamp: [1, 1], value: "alice" },
      { kind: "set", table: INVITED, key: ["room", 1], stamp: [1, 1], value: "alice" },
      { kind: "delete", table: MEMBERS, key: ["room", 1], kills: [[7, 1]], stamp: [1, 2] },
    ],
  },
  "ack of nothing": { kind: "ack", seq: 0, bytes: 0 },
  ack: { kind: "ack", seq: 70_000, bytes: 5_000_000_000 },
  "vector of a node that knows nothing": {
    kind: "vector",
    view: NO_VIEW,
    links: [],
    applied: new Map(),
  },
  vector: {
    kind: "vector",
    view: VIEW,
    links: [300, 7],
    applied: new Map([
      [7, 69_999],
      [8_589_934_592, 0],
    ]),
  },
  "pull that says nothing of its rows": { kind: "pull", id: 1, view: VIEW, rows: "unsaid" },
  "pull that holds no row": { kind: "pull", id: 2, view: NO_VIEW, rows: "none" },
  "pull with a digest of four buckets": {
    kind: "pull",
    id: 300,
    view: VIEW,
    rows: [0, 1, 4_294_967_295, 2_147_483_648, 5, 6, 7, 8],
  },
  "chunk of no keys": { kind: "chunk", pullId: 1, items: [] },
  chunk: {
    kind: "chunk",
    pullId: 300,
    items: [
      {
        table: SESSIONS,
        key: ["example.com", "alice"],
        siblings: [
          {
            birth: [300, 5],
            written: { dot: [300, 5], stamp: [180_000_000, 7], value: { user: "alice" } },
          },
          {
            birth: [7, 1],
            written: { dot: [300, 6], stamp: [180_000_000, 6], value: new Map([[1, 2]]) },
          },
          { birth: [8_589_934_592, 1] },
        ],
      },
      { table: ROOMS, key: "gone", siblings: [] },
    ],
  },
  "end for a puller that held nothing": {
    kind: "end",
    pullId: 1,
    view: VIEW,
    differs: [],
    ahead: [],
  },
  "end with buckets and births that died before they arrived": {
    kind: "end",
    pullId: 300,
    view: VIEW,
    differs: [1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ahead: [
      { table: ROOMS, key: "r", birth: [300, 70_001] },
      { table: MEMBERS, key: 5, birth: [7, 42] },
    ],
  },
  caught: { kind: "caught", pullId: 300 },
  "far, of a pull": { kind: "far", pullId: 300 },
  "far, of a log that was streamed": { kind: "far", pullId: 0 },
  "report of a node without discovery and tables": {
    kind: "report",
    discovery: "none",
    tables: [],
  },
  "report, discovery works": {
    kind: "report",
    discovery: "works",
    tables: [SESSIONS, ROOMS, MEMBERS, INVITED],
  },
  "report, discovery fails": { kind: "report", discovery: "fails", tables: [SESSIONS] },
};
