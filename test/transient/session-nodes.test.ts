/** Sessions on real nodes over loopback sockets. */
import { describe, expect, it } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import type { Node } from "../../src/index.ts";
import { systemClock, systemRandom } from "../../src/node/system.ts";
import { silentLog } from "../../src/runtime.ts";
import {
  type FullAddress,
  openSessions,
  type SessionLost,
  type Sessions,
  type SessionsDown,
} from "../../src/transient.ts";
import { startedNodes } from "../node/started-nodes.ts";
import { until } from "../node/until.ts";

interface Opened {
  readonly sessions: Sessions<string>;
  readonly lost: SessionLost<string>[];
  readonly downs: SessionsDown<string>[];
}

const nodes = startedNodes();

function open(node: Node): Opened {
  const lost: SessionLost<string>[] = [];
  const downs: SessionsDown<string>[] = [];
  const sessions = openSessions<string>(node, {
    onLost: (event) => lost.push(event),
    onNodeDown: (event) => downs.push(event),
  });
  return { sessions, lost, downs };
}

/** Closes an incarnation in the database, as an operator may. */
async function fence(url: string, origin: number): Promise<void> {
  const environment = { clock: systemClock, random: systemRandom, log: silentLog };
  const backend = createDiscovery({ url }, environment);
  const protocols = { protocolMin: 1, protocolMax: 1 };
  await backend.register?.({
    cluster: "chat",
    name: "operator",
    address: "ws://127.0.0.1:1",
    ...protocols,
  });
  expect(await backend.fence?.(origin)).toBe(true);
  await backend.leave();
}

describe("sessions on three nodes", () => {
  it("end at one current session an address, though all three register it at once", async () => {
    const all = await nodes.startAll("a", "b", "c");
    const opened = all.map(open);
    const addresses = Array.from(
      { length: 50 },
      (_, at): FullAddress => ["example.com", `user${at}`, "phone"],
    );
    const own = opened.flatMap(({ sessions }, at) =>
      addresses.map((address) => sessions.register(address, `${all[at]?.name}`)),
    );
    await Promise.all(own.map(({ written }) => written));
    const current = () => own.filter(({ state }) => state === "current");
    await until(() => current().length === addresses.length);
    await until(() => opened.every(({ sessions }) => sessions.table.info().rows === 50));
    for (const { address, id } of current()) {
      for (const { sessions } of opened) expect(sessions.table.get(address)?.id).toBe(id);
    }
    const told = opened.flatMap(({ lost }) => lost);
    expect(told.map(({ reason }) => reason)).toEqual(Array(100).fill("replaced"));
    for (const { sessions } of opened)
      expect([sessions.size, sessions.userCount()]).toEqual([50, 50]);
  });

  it("are closed on the others when their node leaves, with the reason, and all of them", async () => {
    const [a, b] = (await nodes.startAll("a", "b")) as [Node, Node];
    const [atA, atB] = [open(a), open(b)];
    const mine = Array.from({ length: 300 }, (_, at) =>
      atB.sessions.register(["example.com", `user${at}`, "phone"], "hello"),
    );
    await Promise.all(mine.map(({ written }) => written));
    expect([atA.sessions.size, atA.sessions.userCount()]).toEqual([300, 300]);
    await b.leave();
    await until(() => atA.downs.reduce((sum, { sessions }) => sum + sessions.length, 0) === 300);
    expect(new Set(atA.downs.map((down) => `${down.node} ${down.reason}`)).size).toBe(1);
    expect(atA.downs[0]).toMatchObject({ node: "b" });
    expect([atA.sessions.size, atA.sessions.userCount()]).toEqual([0, 0]);
    expect([...atA.sessions.countByNode()]).toEqual([]);
  });

  it("of an incarnation that was closed are told as fenced, once, and can begin again", async () => {
    const discovery = {
      url: nodes.url,
      timings: { initialMs: 200, regularMs: 200, nodeDownMs: 200, errorMs: 100 },
    };
    const node = await nodes.start({ name: "a", discovery });
    const { sessions, lost } = open(node);
    const own = sessions.register(["example.com", "ann", "phone"], "hello");
    await own.written;
    await fence(nodes.url, node.origin);
    await until(() => lost.length > 0);
    expect(lost).toEqual([{ own, reason: "fenced", by: undefined }]);
    expect([own.state, sessions.size, sessions.userCount()]).toEqual(["fenced", 0, 0]);
    await sessions.register(own.address, "again").written;
    await until(() => sessions.userCount() === 1);
    expect([sessions.size, lost.length]).toEqual([1, 1]);
  });
});
