/** The steps of the demonstration in trouble: a node killed, started again, frozen, thawed. */
import { count, duration, sentenceList } from "../text.ts";
import type { DemoCluster } from "./cluster.ts";
import type { DemoProcess } from "./process.ts";
import type { WriteFigures } from "./protocol.ts";
import { type Step, waitForMesh } from "./steps.ts";
import { waitFor } from "./wait.ts";

const VANISH_LIMIT_MS = 15_000;
const FREEZE_MS = 6_000;
const FREEZE_CALLERS = 4;
/** A write may wait for the failure detector (4 s), on a busy machine a little longer. */
const LONGEST_WRITE_LIMIT_MS = 8_000;
const REMOVED_MAX = 50;

/** The second node is killed, where there are three; the last one is frozen. */
function killed(cluster: DemoCluster): string {
  return cluster.names[1] ?? "";
}

function frozen(cluster: DemoCluster): string {
  return cluster.names.at(-1) ?? "";
}

/** SIGKILL: the survivors drop its rows, and keep all others. */
export const killOne: Step = async (cluster, follower) => {
  const victim = cluster.process(killed(cluster));
  const written = cluster.written(victim.name);
  const startMs = performance.now();
  await victim.kill();
  follower.detail(`${victim.name} is gone, waiting for its rows to go too`);
  const tookMs = await vanished(cluster, victim, startMs);
  const { rows } = await cluster.equal();
  return {
    measured: `${count(written)} rows gone ${duration(tookMs)} after SIGKILL, ${count(rows)} left`,
    facts: { killed: victim.name, vanishedMs: tookMs, rowsGone: written, rowsLeft: rows },
  };
};

/** The name starts again as a new process, is filled by the others, and writes again. */
export const restartOne: Step = async (cluster, follower) => {
  const name = killed(cluster);
  const startMs = performance.now();
  follower.detail("new process, empty tables");
  const { readyMs } = await cluster.start(name);
  await waitForMesh(cluster);
  const { rows } = await cluster.equal();
  const filledMs = performance.now() - startMs;
  follower.detail("writing its rows again");
  await cluster.fill(name);
  const after = await cluster.equal();
  return {
    measured: `${count(rows)} rows in ${duration(filledMs)}, the start of the process included`,
    facts: { restarted: name, filledMs, readyMs, rows, rowsAfterItsOwn: after.rows },
  };
};

/** SIGSTOP: its sockets stay open and nobody answers. The others go on writing. */
export const freezeOne: Step = async (cluster, follower) => {
  const victim = cluster.process(frozen(cluster));
  const others = cluster.running.filter((process) => process !== victim);
  const startMs = performance.now();
  victim.freeze();
  follower.detail(`${sentenceList(others.map(({ name }) => name))} go on writing`);
  const writing = Promise.all(
    others.map((process) =>
      process.ask(
        "write",
        {
          count: cluster.written(process.name),
          round: cluster.nextRound(),
          callers: FREEZE_CALLERS,
          ms: FREEZE_MS,
        },
        FREEZE_MS + VANISH_LIMIT_MS,
      ),
    ),
  );
  // Both are awaited below; neither may end the process if the other one fails first.
  writing.catch(() => {});
  const hiddenMs = await vanished(cluster, victim, startMs);
  follower.detail(`rows of ${victim.name} are hidden, the others go on writing`);
  const { writes, longestMs } = together(await writing);
  if (longestMs > LONGEST_WRITE_LIMIT_MS) {
    throw new Error(`a write waited ${duration(longestMs)}`);
  }
  return {
    measured: `longest write ${duration(longestMs)}, ${count(writes)} acknowledged meanwhile`,
    facts: { frozen: victim.name, longestWriteMs: longestMs, writes, hiddenMs },
  };
};

/** SIGCONT: it catches up, its rows are back, and nothing deleted meanwhile is. */
export const thawOne: Step = async (cluster, follower) => {
  const victim = cluster.process(frozen(cluster));
  const [deleter] = cluster.running;
  if (!deleter) throw new Error("no process runs");
  const removed = Math.min(REMOVED_MAX, cluster.written(deleter.name) - 1);
  const { first } = await cluster.remove(deleter.name, removed);
  const startMs = performance.now();
  victim.thaw();
  follower.detail(`${victim.name} runs again`);
  await waitForMesh(cluster);
  const { rows } = await cluster.equal();
  const tookMs = performance.now() - startMs;
  for (const process of cluster.running) {
    const order = { node: deleter.name, first, count: removed };
    const { rows: back } = await process.ask("present", order);
    if (back > 0) throw new Error(`${back} deleted rows are back on ${process.name}`);
  }
  return {
    measured: `${count(rows)} rows equal after ${duration(tookMs)}; ${removed} deletions hold`,
    facts: { thawed: victim.name, equalMs: tookMs, rows, deletedMeanwhile: removed, back: 0 },
  };
};

/** Until every running process shows the rows of running nodes only; gives ms since the start. */
async function vanished(cluster: DemoCluster, victim: DemoProcess, startMs: number) {
  const { running } = cluster;
  const rows = running.reduce((sum, { name }) => sum + cluster.written(name), 0);
  await waitFor(
    { limitMs: VANISH_LIMIT_MS, what: `end of the rows of ${victim.name}` },
    async () => {
      const seen = await cluster.look(running);
      return seen.every(({ view }) => view.rows === rows) ? true : undefined;
    },
  );
  return performance.now() - startMs;
}

function together(figures: readonly WriteFigures[]): { writes: number; longestMs: number } {
  const failed = figures.reduce((sum, one) => sum + one.failed, 0);
  if (failed > 0) throw new Error(`${failed} writes were not acknowledged`);
  return {
    writes: figures.reduce((sum, { writes }) => sum + writes, 0),
    longestMs: Math.max(...figures.map((one) => one.longestMs)),
  };
}
