/** What nodes tell of their tables beyond reads: dumps of another node, watchers, removal. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../src/bytes.ts";
import {
  type Node,
  startNode,
  TableError,
  UnavailableError,
  UnsupportedError,
} from "../../src/index.ts";
import { readPage, readRequest, writeRequest } from "../../src/node/dump-frames.ts";
import { RemoteDumps } from "../../src/node/remote-dumps.ts";
import { systemClock } from "../../src/node/system.ts";
import { Pair } from "../tables/pair.ts";
import { until } from "./until.ts";

let folder = "";
let nodes: Node[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-dump-"));
  nodes = [];
});

afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  rmSync(folder, { recursive: true, force: true });
});

async function twoNodes(): Promise<[Node, Node]> {
  const url = `sqlite:${join(folder, "nodes.db")}`;
  const start = (name: string) => startNode({ cluster: "c", name, discovery: { url } });
  const [a, b] = await Promise.all([start("a"), start("b")]);
  nodes.push(a, b);
  await Promise.all([a.ready(), b.ready()]);
  await until(() => a.status().joinedNodes.length === 2 && b.status().joinedNodes.length === 2);
  return [a, b];
}

describe("remoteDump", () => {
  it("gives all rows as the other node holds them, over many pages", async () => {
    const [a, b] = await twoNodes();
    const rooms = a.table<number>("rooms");
    await rooms.setMany(Array.from({ length: 2300 }, (_, at) => [["room", at], at] as const));
    b.table("rooms");
    const rows = [];
    for await (const row of b.remoteDump("a", "rooms")) rows.push(row);
    expect(rows.length).toBe(2300);
    const local = new Map(rooms.dump().map((row) => [String(row.key), row]));
    for (const row of rows) expect(row).toEqual(local.get(String(row.key)));
  });

  it("refuses tables that are not declared and nodes that are not linked", async () => {
    const [a] = await twoNodes();
    expect(() => a.remoteDump("b", "none")).toThrow(TableError);
    a.table("rooms");
    expect(() => a.remoteDump("z", "rooms")).toThrow(UnavailableError);
  });

  it("does not wait for a node that stops, and asks no node that is too old", async () => {
    const { a: tables } = new Pair();
    const dumps = new RemoteDumps({
      clock: systemClock,
      tables: () => tables,
      send: () => undefined,
      nameOf: () => undefined,
    });
    const peer = { origin: 2, name: "b", nodeNumber: 1, address: "", protocol: 1 };
    const table = { name: "t", type: "set", lifetime: "node" } as const;
    const old = dumps.rows({ ...peer, features: [] }, { table, hidden: false });
    await expect(old.next()).rejects.toThrow(UnsupportedError);
    const next = dumps.rows({ ...peer, features: ["dump"] }, { table, hidden: false }).next();
    dumps.linkDown(2);
    await expect(next).rejects.toThrow(UnavailableError);
  });

  it("serves sixteen at once, and forgets those of a link that is gone", () => {
    const pair = new Pair();
    const state = pair.a.open({ name: "t", type: "set", lifetime: "node" });
    const many = Array.from({ length: 600 }, (_, at): [string, string] => [`k${at}`, "p\u0001"]);
    pair.a.write.setMany(state, many);
    const sent: Uint8Array[] = [];
    const dumps = new RemoteDumps({
      clock: systemClock,
      tables: () => pair.a,
      send: (_, frame) => sent.push(frame),
      nameOf: () => undefined,
    });
    const peer = { origin: 2, name: "b", nodeNumber: 1, address: "", protocol: 1, features: [] };
    const ask = (id: number, isFirst = true) => {
      const writer = new ByteWriter(64);
      const table = { name: "t", type: "set", lifetime: "node" } as const;
      writeRequest(writer, { id, isFirst, table, hidden: false });
      expect(dumps.frame(peer, writer.take())).toBe(true);
      return readPage(new ByteReader(sent.pop() as Uint8Array));
    };
    for (let id = 1; id <= 16; id++) expect(ask(id)).toMatchObject({ isLast: false });
    expect(ask(17).isRefused).toBe(true);
    expect(ask(1, false)).toMatchObject({ isLast: true, isRefused: false });
    expect(ask(17).isRefused).toBe(false);
    dumps.linkDown(2);
    expect(ask(2, false).isRefused).toBe(true);
    expect(ask(18).rows.length).toBe(500);
    expect(() => readRequest(new ByteReader(new Uint8Array([0x41, 1, 255, 1, 97])))).toThrow();
  });
});

describe("a node's tables", () => {
  it("are watched over the network, and a watch ends with its node", async () => {
    const [a, b] = await twoNodes();
    const watched = b.table<string>("rooms").watch();
    await a.table<string>("rooms").set("k", "v");
    const { value } = await watched.next();
    expect(value).toMatchObject({ type: "set", key: "k", value: "v", owner: "a", reason: "set" });
    const downs: string[] = [];
    b.table("other", { onDown: ({ owner, rows }) => downs.push(`${owner} ${rows}`) });
    await a.table<number>("other").set("x", 1);
    await a.leave();
    const gone = await watched.next();
    expect(gone.value).toMatchObject({ type: "delete", key: "k", previous: "v" });
    await until(() => downs.length === 1);
    expect(downs).toEqual(["a 1"]);
    const next = watched.next();
    await b.stop();
    expect((await next).done).toBe(true);
  });

  it("may be removed while the node runs, and others are told", async () => {
    const [a, b] = await twoNodes();
    a.table("rooms");
    b.table("rooms");
    await until(() => a.status().remoteMissingTables.length === 0);
    b.removeTable("rooms");
    await until(() => a.status().remoteMissingTables.includes("rooms"));
    expect(() => b.getTable("rooms")).toThrow(TableError);
  });
});
