/** The program of one node process: starts a node, declares the tables, answers its parent. */
import { writeFileSync } from "node:fs";
import * as today from "../../src/index.ts";
import { Contenders } from "./contenders.ts";
import { Mirror } from "./mirror.ts";
import { type Facts, type Message, type NodePlan, type Question, TABLES } from "./plan.ts";
import { type Load, Writers } from "./writers.ts";

async function main(): Promise<void> {
  const plan: NodePlan = JSON.parse(process.argv[2] ?? "{}");
  const { cluster, name, discovery, timings, limits, listenPort, advertise, clusterSize } = plan;
  // Without its parent nobody asks any more, and nobody would end it.
  process.on("disconnect", () => process.exit(1));
  const library: typeof today = plan.library === undefined ? today : await import(plan.library);
  const calledAt = Date.now();
  const node = await library.startNode({
    cluster,
    name,
    discovery,
    ...(timings === undefined ? {} : { timings }),
    ...(limits === undefined ? {} : { limits }),
    ...(listenPort === undefined ? {} : { listen: { port: listenPort } }),
    ...(advertise === undefined ? {} : { advertise }),
    ...(clusterSize === undefined ? {} : { clusterSize }),
  });
  const listeningAt = Date.now();
  for (const { indexed, ordered = false, lifetime, type, name: table } of TABLES) {
    if (type === "bag") node.table<Load>(table, { type, lifetime });
    else if (!indexed) node.table<Load>(table, { lifetime, ordered });
    else
      node.table<Load, "user">(table, { lifetime, ordered, indexes: { user: (row) => row.user } });
  }
  const mirrors = plan.mirrors === true ? TABLES.map((table) => mirrorOf(node, table)) : [];
  const writers = new Writers(node, plan);
  const contenders = clusterSize === undefined ? undefined : new Contenders(node, plan);
  process.on("message", ({ id, question }: { id: number; question: Question }) => {
    answer({ node, writers, mirrors, contenders }, question).then(
      (given) => tell({ kind: "answer", id, answer: given ?? null }),
      (error: unknown) => tell({ kind: "failed", id, error: textOf(error) }),
    );
  });
  if (plan.pulseMs !== undefined) {
    setInterval(() => tell({ kind: "pulse", pulse: writers.pulse() }), plan.pulseMs).unref();
  }
  const { origin, address } = node;
  tell({ kind: "started", started: { origin, address, calledAt, listeningAt } });
}

interface Parts {
  readonly node: today.Node;
  readonly writers: Writers;
  readonly mirrors: readonly Mirror[];
  readonly contenders: Contenders | undefined;
}

async function answer(
  { node, writers, mirrors, contenders }: Parts,
  question: Question,
): Promise<unknown> {
  switch (question.kind) {
    case "facts":
      return factsOf(node);
    case "write":
      return writers.start();
    case "rest":
      await Promise.all([writers.rest(), contenders?.rest()]);
      return null;
    case "elections":
      return contenders?.rows();
    case "owned":
      return ownedRows(node, question.origin);
    case "dump":
      return writeFileSync(question.path, dumpOf(node).join(""));
    case "set":
      return node.getTable(question.table).set(question.key, question.value);
    case "get":
      return node.getTable(question.table).get(question.key);
    case "delete":
      return node.getTable(question.table).delete(question.key);
    case "race":
      return race(node, question);
    case "memory":
      return memoryInUse();
    case "mirrors":
      return mirrors.map((mirror) => mirror.report());
    case "leave":
      return node.leave();
    default:
      throw new Error(`unknown question ${JSON.stringify(question satisfies never)}`);
  }
}

function factsOf(node: today.Node): Facts {
  const status = node.status();
  const disagreements = [
    status.remoteUnknownTables,
    status.remoteMissingTables,
    status.conflictTables,
  ];
  return {
    origin: node.origin,
    state: status.state,
    joined: status.joinedNodes,
    available: status.availableNodes,
    tablesAgree: disagreements.every((list) => list.length === 0),
    discoveryWorks: status.discoveryWorks,
    digest: status.tables.map(({ name, rows, digest }) => `${name}:${rows}:${digest}`).join(),
    rows: status.tables.reduce((sum, { rows }) => sum + rows, 0),
    loopDelayP99Ms: status.loopDelay.p99Ms,
    loopDelayMaxMs: status.loopDelay.maxMs,
    counters: { ...status.counters },
  };
}

/** Writes under way at once in a race. */
const RACE_WINDOW = 50;

async function race(
  node: today.Node,
  { table, keys, at }: { readonly table: string; readonly keys: number; readonly at: number },
): Promise<number> {
  const raced = node.getTable<Load>(table);
  await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
  for (let from = 0; from < keys; from += RACE_WINDOW) {
    const window = Array.from({ length: Math.min(RACE_WINDOW, keys - from) }, (_, n) =>
      raced.set(from + n, { user: node.name, n: from + n, filling: "" }),
    );
    await Promise.all(window);
  }
  return keys;
}

/** Twice, for what the first collection finds may hold more. */
function memoryInUse(): number {
  if (globalThis.gc === undefined) throw new Error("start it with --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function tableOf(node: today.Node, { name, type }: (typeof TABLES)[number]) {
  return type === "bag" ? node.getTable<Load>(name, "bag") : node.getTable<Load>(name);
}

function mirrorOf(node: today.Node, table: (typeof TABLES)[number]): Mirror {
  return new Mirror(tableOf(node, table), table.name, table.type === "bag");
}

function ownedRows(node: today.Node, origin: number): { shown: number; stored: number } {
  let shown = 0;
  let stored = 0;
  for (const table of TABLES) {
    if (table.lifetime !== "node") continue;
    for (const row of tableOf(node, table).dump({ hidden: true })) {
      if (row.ownerOrigin !== origin) continue;
      stored++;
      if (!row.hidden) shown++;
    }
  }
  return { shown, stored };
}

/** Lines of NDJSON: one for each row, and one for each value of an index. */
function dumpOf(node: today.Node): string[] {
  const lines: object[] = [];
  for (const table of TABLES) {
    const rows = tableOf(node, table).dump({ hidden: true });
    for (const row of rows) lines.push({ table: table.name, ...row });
    if (!table.indexed) continue;
    const sessions = node.getTable<Load, "user">(table.name);
    for (const user of new Set(rows.map((row) => row.value.user))) {
      const keys = [...sessions.find("user", user)].map(([key]) => key);
      lines.push({ table: table.name, index: "user", of: user, keys });
    }
  }
  return lines.map((line) => `${JSON.stringify(line)}\n`);
}

function tell(message: Message): void {
  process.send?.(message);
}

function textOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? `${error.code}: ` : "";
  return `${code}${error instanceof Error ? error.message : String(error)}`;
}

await main();
