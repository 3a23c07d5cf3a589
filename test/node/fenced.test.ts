/** Incarnations that end while their process lives: fenced, replaced, stopped, or without a database. */
import { execFileSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import { FencedError, type Node, NotRunningError } from "../../src/index.ts";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";
import { Child, nodeProgram } from "../processes/child.ts";
import { postgres } from "../servers/postgres.ts";
import { faultsOf, withServer } from "../servers/server.ts";
import { expectShared, joined, startedNodes } from "./started-nodes.ts";
import { until } from "./until.ts";

/** So that a node soon reads what the database says of it. */
const OFTEN = { initialMs: 200, regularMs: 200, nodeDownMs: 200, errorMs: 100 };
const QUICK = { pingMs: 100, downMs: 500, forgetAfterMs: 300 };

const nodes = startedNodes();
let children: Child[] = [];

beforeAll(() => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  execFileSync(process.execPath, [join(root, "scripts/setup.mjs"), "tools"], { stdio: "pipe" });
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  children = [];
});

/** A node in a process of its own, which can be stopped in mid-flight. */
async function startChild(
  name: string,
  discovery: Readonly<Record<string, unknown>>,
  timings: Readonly<Record<string, number>> = {},
): Promise<Child> {
  const plan = { cluster: "chat", name, discovery, timings, folder: nodes.folder, pauseMs: 100 };
  const child = new Child(plan, nodeProgram());
  children.push(child);
  await child.started;
  return child;
}

/** Closes an incarnation in the database, as an operator may. */
async function fence(origin: number): Promise<void> {
  const environment = { clock: systemClock, random: systemRandom, log: silentLog };
  const backend = createDiscovery({ url: nodes.url }, environment);
  const address = "ws://127.0.0.1:1";
  const protocols = { protocolMin: 1, protocolMax: 1 };
  await backend.register?.({ cluster: "chat", name: "operator", address, ...protocols });
  expect(await backend.fence?.(origin)).toBe(true);
  await backend.leave();
}

function startOften(...names: readonly string[]): Promise<Node[]> {
  const discovery = { url: nodes.url, timings: OFTEN };
  return Promise.all(names.map((name) => nodes.start({ name, discovery })));
}

async function isListening(address: string): Promise<boolean> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("close", () => socket.destroy());
  });
}

describe("a node whose incarnation is closed", () => {
  it("goes on by itself as a new one, with the same tables, filled by the others", async () => {
    const all = (await startOften("a", "b", "c")) as [Node, Node, Node];
    const [a, , c] = all;
    await joined(all);
    const byUser = { user: (row: { user: string }) => row.user };
    const options = { ordered: true, indexes: byUser };
    const sessions = c.table<{ user: string }, "user">("sessions", options);
    const rooms = c.table<number>("rooms", { lifetime: "cluster" });
    const atA = a.table<{ user: string }, "user">("sessions", options);
    await atA.set(["x", 1], { user: "ann" });
    await sessions.set(["x", 2], { user: "cat" });
    await rooms.set("lobby", 7);
    const origin = c.origin;
    const told: unknown[] = [];
    c.on("fenced", (reason, isReplaced) => told.push(reason, isReplaced));
    c.on("restarted", (incarnation) => told.push(incarnation));
    await fence(origin);
    await until(() => told.length === 3);
    const reason = expect.stringContaining("is fenced in the database");
    expect(told).toEqual([reason, false, { origin: c.origin }]);
    expect(c.origin).toBeGreaterThan(origin);
    await joined(all);
    await c.ready();
    expect(c.status()).toMatchObject({ state: "ready", name: "c", origin: c.origin });
    expect([...sessions.scan({ prefix: ["x"] })]).toEqual([[["x", 1], { user: "ann" }]]);
    expect([...sessions.find("user", "ann")]).toHaveLength(1);
    expect(rooms.get("lobby")).toBe(7);
    expect(await sessions.set(["x", 3], { user: "cat" })).toMatchObject({ nodes: 2 });
    expect([...atA.keys()]).toEqual([
      ["x", 1],
      ["x", 3],
    ]);
    expect(c.getTable("sessions")).toBe(sessions);
    await until(() => a.status().closedOrigins.length === 0);
    await expectShared(all, "again");
  });

  it("fails its pending writes and those made before it goes on, with FencedError", async () => {
    const b = await startChild("b", { url: nodes.url });
    const a = await nodes.start({
      name: "a",
      discovery: { url: nodes.url, timings: OFTEN },
      // A member that does not answer must not be excused before the fence comes.
      timings: { downMs: 25_000 },
      limits: { lagMs: 25_000 },
    });
    const table = a.table<number>("sessions");
    await until(() => a.status().joinedNodes.length === 2);
    await table.set("before", 1);
    b.pause();
    let fencedAt: number | undefined;
    const pending = table.set("pending", 1, { timeoutMs: 20_000 }).catch((error: unknown) => {
      fencedAt = performance.now();
      return error;
    });
    const during = new Promise((resolve) => {
      a.on("fenced", () => resolve(table.set("during", 1).catch((error: unknown) => error)));
    });
    expect(a.status().pendingWrites).toBe(1);
    await fence(a.origin);
    expect(await pending).toBeInstanceOf(FencedError);
    expect(await during).toBeInstanceOf(FencedError);
    expect(fencedAt).toBeDefined();
    expect(a.status().rejectedWrites).toBe(2);
    b.resume();
    await until(() => a.status().joinedNodes.length === 2 && a.status().state === "ready", 20_000);
    expect(await table.set("after", 1)).toMatchObject({ nodes: 1 });
  });

  it("is told by the others, who closed it because it was away, and comes back as new", async () => {
    const a = await nodes.start({ name: "a", discovery: { nodes: [] }, timings: QUICK });
    const discovery = { nodes: [a.address] };
    const b = await nodes.start({ name: "b", discovery, timings: QUICK });
    const c = await startChild("c", discovery, QUICK);
    const { origin } = await c.facts();
    const closed = new Set<string>();
    for (const node of [a, b]) {
      node.on("originClosed", (event) => closed.add(`${node.name}: ${event.origin}`));
    }
    await until(() => [a, b].every((node) => node.status().joinedNodes.length === 3));
    await c.ask({ kind: "set", table: "sessions", key: "of c", value: 1 });
    c.pause();
    await until(() => closed.size === 2);
    expect([...closed].sort()).toEqual([`a: ${origin}`, `b: ${origin}`]);
    const sessions = a.table<number>("sessions");
    expect(sessions.has("of c")).toBe(false);
    expect(sessions.dump({ hidden: true })).toEqual([]);
    await sessions.set("of a", 2);
    c.resume();
    await until(() => [a, b].every((node) => node.status().joinedNodes.length === 3));
    const again = await c.facts();
    expect(again.origin).toBeGreaterThan(origin);
    expect(again).toMatchObject({ state: "ready", joined: ["a", "b", "c"] });
    expect(await c.ask({ kind: "get", table: "sessions", key: "of a" })).toBe(2);
    expect(await c.ask({ kind: "get", table: "sessions", key: "of c" })).toBeNull();
    await c.ask({ kind: "set", table: "sessions", key: "of c", value: 3 });
    expect(sessions.get("of c")).toBe(3);
  });

  it('stays as it is if it was told to: onFenced "stop"', async () => {
    const [a] = (await startOften("a")) as [Node];
    const discovery = { url: nodes.url, timings: OFTEN };
    const b = await nodes.start({ name: "b", discovery, onFenced: "stop" });
    await joined([a, b]);
    await a.table("sessions").set("k", 1);
    const table = b.table("sessions");
    await fence(b.origin);
    await until(() => b.status().mesh.state === "stopped" && a.status().links.length === 0);
    expect(b.status().state).toBe("fenced");
    await expect(b.ready()).rejects.toBeInstanceOf(FencedError);
    await expect(table.set("k", 2)).rejects.toBeInstanceOf(FencedError);
    expect(await isListening(b.address)).toBe(false);
  });
});

describe("of two nodes with one name", () => {
  it.each(["a database", "no database"])("the older one stops, with %s", async (what) => {
    const b = await nodes.start({ name: "b", discovery: databaseOr(what, []) });
    const older = await nodes.start({ name: "a", discovery: databaseOr(what, [b.address]) });
    await joined([older, b]);
    const table = older.table("sessions");
    await table.set("old", 1);
    const fenced: boolean[] = [];
    older.on("fenced", (_, isReplaced) => fenced.push(isReplaced));
    const newer = await nodes.start({ name: "a", discovery: databaseOr(what, [b.address]) });
    newer.on("fenced", () => fenced.push(false));
    await until(() => older.status().state === "fenced");
    await expect.poll(() => isListening(older.address)).toBe(false);
    await joined([newer, b]);
    expect(fenced).toEqual([true]);
    expect(older.status()).toMatchObject({ state: "fenced", links: [] });
    expect(older.status().mesh.dials).toEqual([]);
    await expect(table.set("late", 1)).rejects.toBeInstanceOf(FencedError);
    expect(b.nodes()).toMatchObject([{ name: "a", origin: newer.origin, linked: true }]);
    expect(b.table("sessions").has("old")).toBe(false);
    await expectShared([newer, b], "new");
  });

  function databaseOr(what: string, list: readonly string[]) {
    return what === "a database" ? { url: nodes.url, timings: OFTEN } : { nodes: list };
  }
});

describe("a stopped node", () => {
  it("refuses late writes, and a rejection that nobody awaits ends nothing", async () => {
    const unheard: unknown[] = [];
    const hear = (error: unknown) => unheard.push(error);
    process.on("unhandledRejection", hear);
    try {
      const [a] = (await startOften("a")) as [Node];
      const table = a.table("sessions");
      await table.set("k", 1);
      await a.stop();
      await expect(table.set("k", 2)).rejects.toBeInstanceOf(NotRunningError);
      await expect(table.sync()).rejects.toBeInstanceOf(NotRunningError);
      void table.set("k", 3);
      void table.delete("k");
      // Rejections that nobody hears are told of once the microtasks of a turn are done.
      for (let turn = 0; turn < 3; turn++) await new Promise((next) => setImmediate(next));
      expect(unheard).toEqual([]);
      expect(a.status().rejectedWrites).toBe(4);
      expect(table.get("k")).toBe(1);
    } finally {
      process.off("unhandledRejection", hear);
    }
  });
});

withServer(
  postgres,
  "a node whose database is away",
  (server) => {
    it("starts when it comes back", async () => {
      const url = await server().newDatabase();
      await faultsOf(server()).stop();
      let isStarted = false;
      const discovery = { url, timings: OFTEN };
      const starting = nodes.start({ name: "a", discovery }).then((node) => {
        isStarted = true;
        return node;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(isStarted).toBe(false);
      await faultsOf(server()).start();
      const a = await starting;
      const b = await nodes.start({ name: "b", discovery });
      await Promise.all([a.ready(), b.ready()]);
      await joined([a, b]);
      await expectShared([a, b], "back");
    });

    it("goes on with what it knows, and takes in newcomers when it is back", async () => {
      const url = await server().newDatabase();
      const discovery = { url, timings: OFTEN };
      const both = await Promise.all(["a", "b"].map((name) => nodes.start({ name, discovery })));
      await joined(both);
      await faultsOf(server()).stop();
      await until(() => both.every((node) => !node.status().discoveryWorks));
      await joined(both);
      await expectShared(both, "without");
      const coming = nodes.start({ name: "c", discovery });
      await faultsOf(server()).start();
      const all = [...both, await coming];
      await joined(all);
      await until(() => all.every((node) => node.status().discoveryWorks));
      await expectShared(all, "with");
    });
  },
  "faults",
);
