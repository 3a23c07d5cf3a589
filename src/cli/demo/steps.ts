/** The steps of the demonstration on a healthy cluster: finding, filling, reading, writing. */
import { columns, count, duration, sentenceList } from "../text.ts";
import type { Follower, Shown } from "./claims.ts";
import type { DemoCluster, Seen } from "./cluster.ts";
import { keyAt, userAt } from "./sessions.ts";
import { waitFor } from "./wait.ts";

const FORM_LIMIT_MS = 30_000;
const READ_MS = 1_000;
const ONE_CALLER_MS = 600;
const MANY_CALLERS_MS = 1_500;
/** Before the figures count: code that has just been loaded runs many times slower. */
const WARM_UP_MS = 700;
/** On each node. */
const MANY_CALLERS = 100;

/** A step: does something, sees to it that it is so, and throws if it is not. */
export type Step = (cluster: DemoCluster, follower: Follower) => Promise<Shown>;

/** All processes start at once; each is linked to, and shares its tables with, all others. */
export const findEachOther: Step = async (cluster, follower) => {
  const startMs = performance.now();
  follower.detail("starting processes");
  const started = await Promise.all(cluster.names.map((name) => cluster.start(name)));
  const readyMs = Math.max(...started.map((one) => one.readyMs));
  follower.detail("nodes are ready, linking");
  const { value: seen } = await waitForMesh(cluster);
  const tookMs = performance.now() - startMs;
  return {
    measured:
      `${links(seen)} links after ${duration(tookMs)}; ` +
      `each node ready ${duration(readyMs)} after its own start, at most`,
    facts: { tookMs, readyMs, links: links(seen), discovery: cluster.discovery },
    lines: nodeLines(seen),
  };
};

/** Each node writes its rows; all nodes hold all rows and agree on every one. */
export const fillTables: Step = async (cluster, follower) => {
  follower.detail("writing");
  const startMs = performance.now();
  await Promise.all(cluster.names.map((name) => cluster.fill(name)));
  const writtenMs = performance.now() - startMs;
  follower.detail("comparing");
  const { rows, digest } = await cluster.equal();
  return {
    measured: `${count(rows)} rows, all acknowledged in ${duration(writtenMs)}`,
    facts: { rows, writtenMs, digest },
    lines: [`digest ${digest} and one sum over all rows on ${sentenceList(cluster.names)}`],
  };
};

/** The index of one node finds the rows that the others wrote. */
export const findByUser: Step = async (cluster) => {
  const user = userAt(Math.floor(cluster.setup.rows / 2));
  const wanted = cluster.names.map((name) => keyAt(name, 0)[2]).sort();
  for (const process of cluster.running) {
    const { resources } = await process.ask("find", { user });
    if ([...resources].sort().join() !== wanted.join()) {
      throw new Error(`node ${process.name} finds ${resources.join(", ") || "nothing"} of ${user}`);
    }
  }
  return {
    measured: `${user}: ${wanted.length} devices, on every node`,
    facts: { user, found: wanted.length },
  };
};

/** Reads of rows that any node wrote, on one node after the other. */
export const readLocally: Step = async (cluster, follower) => {
  const order = { nodes: cluster.names, count: cluster.setup.rows, ms: READ_MS };
  const perSecond: number[] = [];
  // One at a time: the nodes share this machine, and a reader takes a whole processor.
  for (const process of cluster.running.slice(0, 2)) {
    follower.detail(`on ${process.name}`);
    const { reads, missing, tookMs } = await process.ask("read", order);
    if (missing > 0)
      throw new Error(`${missing} of ${reads} reads on ${process.name} found no row`);
    perSecond.push((reads * 1_000) / tookMs);
  }
  const best = Math.max(...perSecond);
  return {
    measured: `${count(best)} reads a second on one node, none without its row`,
    facts: { readsPerSecond: Math.round(best), missing: 0 },
  };
};

/** Writes that are acknowledged by all other nodes: one caller, then many on all nodes. */
export const writeAcknowledged: Step = async (cluster, follower) => {
  const [first] = cluster.running;
  if (!first) throw new Error("no process runs");
  const order = () => ({ count: cluster.setup.rows, round: cluster.nextRound() });
  const onAll = (ms: number) =>
    Promise.all(
      cluster.running.map((process) =>
        process.ask("write", { ...order(), callers: MANY_CALLERS, ms }),
      ),
    );
  follower.detail("warming up");
  const warm = await onAll(WARM_UP_MS);
  follower.detail("one caller");
  const one = await first.ask("write", { ...order(), callers: 1, ms: ONE_CALLER_MS });
  follower.detail(`${MANY_CALLERS} callers on each node`);
  const all = await onAll(MANY_CALLERS_MS);
  const others = cluster.running.length - 1;
  for (const { failed, reachedMin } of [...warm, one, ...all]) {
    if (failed > 0) throw new Error(`${failed} writes were not acknowledged`);
    if (reachedMin !== others) throw new Error(`a write reached ${reachedMin} of ${others} nodes`);
  }
  const perSecond = all.reduce((sum, { writes, tookMs }) => sum + (writes * 1_000) / tookMs, 0);
  await cluster.equal();
  return {
    measured:
      `${count(perSecond)} a second by ${MANY_CALLERS * all.length} callers; ` +
      `one alone waits ${duration(one.p50Ms)}`,
    facts: {
      writesPerSecond: Math.round(perSecond),
      oneCallerP50Ms: one.p50Ms,
      callers: MANY_CALLERS * all.length,
      reachedMin: others,
    },
  };
};

/** Waits until each running process is linked to, and shares all tables with, every other. */
export function waitForMesh(cluster: DemoCluster) {
  const { running } = cluster;
  let last: Seen[] = [];
  return waitFor(
    { limitMs: FORM_LIMIT_MS, what: "mesh of all nodes" },
    async () => {
      last = await cluster.look(running);
      const whole = last.every(({ process, view }) =>
        running.every(
          ({ name }) =>
            view.joined.includes(name) &&
            (name === process.name || view.peers.some((peer) => peer.name === name && peer.linked)),
        ),
      );
      return whole ? last : undefined;
    },
    () => last.map(({ process, view }) => `${process.name} joined ${view.joined}`).join("; "),
  );
}

/** A line for each node: process, address, and whom it is linked to. */
export function nodeLines(seen: readonly Seen[]): readonly string[] {
  return columns(
    seen.map(({ process, view }) => [
      process.name,
      `process ${process.pid}`,
      process.address,
      `linked to ${sentenceList(view.peers.filter((peer) => peer.linked).map(({ name }) => name))}`,
      `found ${view.discovered.length} in the discovery table`,
    ]),
  );
}

/** Each is seen from both ends. */
function links(seen: readonly Seen[]): number {
  const ends = seen.flatMap(({ view }) => view.peers.filter((peer) => peer.linked));
  return ends.length / 2;
}
