/**
 * One process of the demonstration: a real node, told over its channel what to do and asked what
 * it sees. It finds the other nodes through the discovery table alone. When the channel ends,
 * however the other side ended, it says goodbye and goes.
 */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Node, startNode, type Table } from "../../node/node.ts";
import {
  type AnswerMessage,
  isOrder,
  type OrderKind,
  type Orders,
  type View,
  type WriteFigures,
} from "./protocol.ts";
import { keyAt, type Session, sessionAt } from "./sessions.ts";

const READY_LIMIT_MS = 40_000;
/** An orphan that cannot say goodbye in this time goes without. */
const GOODBYE_LIMIT_MS = 2_000;
/** Rows of one setMany. */
const BATCH_ROWS = 500;
/** Reads between two looks at the clock, and how long they may keep the event loop. */
const READS_PER_LOOK = 256;
const SLICE_MS = 5;

type Act = {
  readonly [K in OrderKind]: (
    order: Orders[K]["order"],
  ) => Promise<Orders[K]["answer"]> | Orders[K]["answer"];
};

/** The node of this process, once it was told to start. */
class Worker {
  #node: Node | undefined;
  #name = "";
  #sessions: Table<Session, "user"> | undefined;

  readonly acts: Act = {
    start: (order) => this.#start(order),
    look: () => this.#look(),
    sum: () => this.#sum(),
    fill: (order) => this.#fill(order),
    read: (order) => this.#read(order),
    write: (order) => this.#write(order),
    find: ({ user }) => ({
      resources: [...this.#table.find("user", user)].map(([, session]) => session.resource),
    }),
    remove: (order) => this.#remove(order),
    present: ({ node, first, count }) => ({
      rows: range(first, count).filter((at) => this.#table.has(keyAt(node, at))).length,
    }),
    leave: async () => {
      await this.leave();
      return { left: true };
    },
  };

  async leave(): Promise<void> {
    await this.#node?.leave();
  }

  get #table(): Table<Session, "user"> {
    if (!this.#sessions) throw new Error("an order came before the order to start");
    return this.#sessions;
  }

  async #start({ cluster, name, url }: Orders["start"]["order"]) {
    const startMs = performance.now();
    this.#name = name;
    this.#node = await startNode({
      cluster,
      name,
      listen: { host: "127.0.0.1", port: 0 },
      discovery: { url },
    });
    this.#sessions = this.#node.table<Session, "user">("sessions", {
      lifetime: "node",
      ordered: true,
      indexes: { user: (session) => session.user },
    });
    await this.#ready(this.#node);
    const { origin, address } = this.#node;
    return { origin, address, readyMs: performance.now() - startMs };
  }

  /** When it takes too long the error says what is there and what is not. */
  async #ready(node: Node): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      limit = setTimeout(() => {
        const { joinedNodes, discoveredNodes, discoveryWorks } = node.status();
        const found = discoveryWorks ? `found ${discoveredNodes.join(", ")}` : "no discovery";
        reject(new Error(`not ready: ${found}; joined ${joinedNodes.join(", ")}`));
      }, READY_LIMIT_MS);
    });
    await Promise.race([node.ready(), late]);
    clearTimeout(limit);
  }

  #look(): View {
    const node = this.#node;
    const { size, digest } = this.#table.info();
    const { joinedNodes, discoveredNodes, pendingWrites } = node?.status() ?? {
      joinedNodes: [],
      discoveredNodes: [],
      pendingWrites: 0,
    };
    const peers = (node?.nodes() ?? []).map(({ name, origin, state, linked, roundTripMs }) => {
      return { name, origin, state, linked, roundTripMs };
    });
    return {
      rows: size,
      digest,
      peers,
      joined: joinedNodes,
      discovered: discoveredNodes,
      pendingWrites,
    };
  }

  async #sum() {
    const hash = createHash("sha256");
    let rows = 0;
    let sliceStart = performance.now();
    for (const [key, session] of this.#table.scan()) {
      hash.update(JSON.stringify([key, session])).update("\n");
      rows++;
      if (performance.now() - sliceStart > SLICE_MS) {
        await nextTurn();
        sliceStart = performance.now();
      }
    }
    return { rows, sum: hash.digest("hex") };
  }

  async #fill({ count, round }: Orders["fill"]["order"]) {
    const startMs = performance.now();
    let reached = Number.POSITIVE_INFINITY;
    for (let first = 0; first < count; first += BATCH_ROWS) {
      const batch = range(first, Math.min(BATCH_ROWS, count - first));
      const result = await this.#table.setMany(
        batch.map((at) => [keyAt(this.#name, at), sessionAt(this.#name, at, round)] as const),
      );
      reached = Math.min(reached, result.nodes);
    }
    return { rows: count, tookMs: performance.now() - startMs, reached };
  }

  async #read({ nodes, count, ms }: Orders["read"]["order"]) {
    const keys = nodes.flatMap((node) => range(0, count).map((at) => keyAt(node, at)));
    const table = this.#table;
    const startMs = performance.now();
    let [reads, missing, at, sliceStart] = [0, 0, 0, startMs];
    for (let now = startMs; now - startMs < ms; now = performance.now()) {
      for (let look = 0; look < READS_PER_LOOK; look++) {
        const key = keys[at];
        if (key === undefined || table.get(key) === undefined) missing++;
        // A stride that meets every key, in no order a cache would like.
        at = (at + 7_919) % keys.length;
      }
      reads += READS_PER_LOOK;
      if (now - sliceStart > SLICE_MS) {
        await nextTurn();
        sliceStart = performance.now();
      }
    }
    return { reads, missing, tookMs: performance.now() - startMs };
  }

  async #write(order: Orders["write"]["order"]): Promise<WriteFigures> {
    const table = this.#table;
    const times: number[] = [];
    let [failed, next, reachedMin] = [0, 0, Number.POSITIVE_INFINITY];
    const startMs = performance.now();
    const caller = async () => {
      while (performance.now() - startMs < order.ms) {
        const at = next++ % order.count;
        const session = sessionAt(this.#name, at, order.round + next);
        const sentMs = performance.now();
        try {
          const { nodes } = await table.set(keyAt(this.#name, at), session);
          reachedMin = Math.min(reachedMin, nodes);
          times.push(performance.now() - sentMs);
        } catch {
          failed++;
        }
      }
    };
    await Promise.all(range(0, order.callers).map(caller));
    const tookMs = performance.now() - startMs;
    times.sort((a, b) => a - b);
    return {
      writes: times.length,
      failed,
      p50Ms: times[times.length >> 1] ?? 0,
      longestMs: times.at(-1) ?? 0,
      tookMs,
      reachedMin: times.length === 0 ? 0 : reachedMin,
    };
  }

  async #remove({ first, count }: Orders["remove"]["order"]) {
    await this.#table.deleteMany(range(first, count).map((at) => keyAt(this.#name, at)));
    return { rows: count };
  }
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

function obey(worker: Worker, message: unknown): void {
  if (!isOrder(message)) return;
  const { id, kind, order } = message;
  // The kind picks the act, so the order is of that kind; the compiler cannot follow the pair.
  const act = worker.acts[kind] as (order: unknown) => unknown;
  Promise.resolve()
    .then(() => act(order))
    .then(
      (answer) => reply({ id, ok: true, answer }),
      (error: unknown) => reply({ id, ok: false, error: describe(error) }),
    );
}

/** Nobody to answer is no trouble: the end of the channel is told apart from this. */
function reply(answer: AnswerMessage): void {
  if (process.connected) process.send?.(answer, undefined, undefined, () => {});
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const worker = new Worker();
// Ctrl-C reaches every process of the terminal; the one that leads says when to go.
for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {});
process.on("message", (message) => obey(worker, message));
process.once("disconnect", () => {
  setTimeout(() => process.exit(0), GOODBYE_LIMIT_MS);
  worker.leave().finally(() => process.exit(0));
});
