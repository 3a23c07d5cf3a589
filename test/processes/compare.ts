/**
 * Judges a run from the files that its nodes have written, and from nothing else: dumps and logs
 * of writes, as NDJSON. Imports nothing of the product.
 *
 *   node compare.js FOLDER      reads facts.json, dump-*.ndjson and writes-*.ndjson there
 *
 * Prints one JSON object with what it counted and every fault it found; exits with 1 if there
 * are faults, with 2 if it could not judge.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the parent of the nodes knows. */
export interface RunFacts {
  readonly tables: readonly { name: string; type: string; lifetime: string; indexed?: boolean }[];
  /** Incarnations that run at the end, by node. */
  readonly live: Readonly<Record<string, number>>;
  /** Incarnations that have ended. */
  readonly dead: readonly number[];
}

/** The verdict. */
export interface Verdict {
  readonly rows: number;
  readonly acknowledged: number;
  readonly rejected: number;
  /** Keys (and values of bags) whose last acknowledged write was looked for on every node. */
  readonly checked: number;
  readonly faults: readonly string[];
}

interface DumpRow {
  table: string;
  key: unknown;
  value: { n: number; user: string };
  version: string;
  ownerOrigin: number;
  writtenAt: number;
  hidden: boolean;
}

interface IndexLine {
  table: string;
  index: string;
  of: string;
  keys: readonly unknown[];
}

/** One write of a log with what became of it. */
interface Write {
  table: string;
  key: string;
  op: string;
  n: number;
  isAcknowledged: boolean;
  isAlone: boolean;
}

interface Log {
  origin: number;
  writes: Write[];
}

interface Dump {
  node: string;
  rows: DumpRow[];
  indexes: IndexLine[];
  /** By table and key. */
  byKey: Map<string, DumpRow[]>;
}

const FAULTS_MAX = 50;

function judge(folder: string): Verdict {
  const facts: RunFacts = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8"));
  const files = readdirSync(folder);
  const dumps = files.filter((file) => file.startsWith("dump-")).map((f) => readDump(folder, f));
  const counts = { acknowledged: 0, rejected: 0, checked: 0 };
  const faults: string[] = [];
  if (dumps.length !== Object.keys(facts.live).length) {
    faults.push(`${dumps.length} dumps of ${Object.keys(facts.live).length} nodes`);
  }
  faults.push(...differences(dumps), ...remains(facts, dumps), ...indexFaults(facts, dumps));
  for (const file of files.filter((name) => name.startsWith("writes-"))) {
    const log = readLog(join(folder, file), counts, faults);
    faults.push(...losses(facts, { log, dumps, counts }));
  }
  if (counts.checked === 0) faults.push("no acknowledged write could be checked");
  return { rows: dumps[0]?.rows.length ?? 0, ...counts, faults: faults.slice(0, FAULTS_MAX) };
}

/** Every dump must hold the same rows as the first one. */
function differences(dumps: readonly Dump[]): string[] {
  const [first, ...others] = dumps;
  if (first === undefined) return ["there is no dump"];
  const lines = sortedLines(first);
  if (lines.length === 0) return ["the dumps are empty"];
  const faults: string[] = [];
  for (const other of others) {
    const otherLines = sortedLines(other);
    const at = lines.findIndex((line, index) => line !== otherLines[index]);
    if (at < 0 && lines.length === otherLines.length) continue;
    const place = at < 0 ? lines.length : at;
    faults.push(
      `${first.node} (${lines.length} rows) and ${other.node} (${otherLines.length} rows) differ ` +
        `first at ${lines[place] ?? "the end"} and ${otherLines[place] ?? "the end"}`,
    );
  }
  return faults;
}

/** What all replicas must agree on; who is hidden, and by what name an owner is known, is not. */
function sortedLines({ rows }: Dump): string[] {
  return rows
    .map(({ table, key, value, version, ownerOrigin, writtenAt }) =>
      JSON.stringify([table, key, version, ownerOrigin, writtenAt, value]),
    )
    .sort();
}

/** Rows of lifetime `node` whose owner has ended must be nowhere, not even hidden. */
function remains(facts: RunFacts, dumps: readonly Dump[]): string[] {
  const dying = new Set(
    facts.tables.filter(({ lifetime }) => lifetime === "node").map(({ name }) => name),
  );
  const live = new Set(Object.values(facts.live));
  const faults: string[] = [];
  for (const { node, rows } of dumps) {
    const left = rows.filter((row) => dying.has(row.table) && !live.has(row.ownerOrigin));
    const [one] = left;
    if (one !== undefined) {
      faults.push(`${node} holds ${left.length} rows of dead incarnations: ${nameOf(one)}`);
    }
  }
  return faults;
}

/** An index must find the visible rows, and no others. */
function indexFaults(facts: RunFacts, dumps: readonly Dump[]): string[] {
  const faults: string[] = [];
  for (const { node, rows, indexes } of dumps) {
    for (const { name } of facts.tables.filter((table) => table.indexed === true)) {
      const shown = rows.filter((row) => row.table === name && !row.hidden);
      for (const user of new Set(shown.map((row) => row.value.user))) {
        const expected = shown.filter((row) => row.value.user === user).map((row) => row.key);
        const line = indexes.find((index) => index.table === name && index.of === user);
        if (textOf(expected) === textOf(line?.keys ?? [])) continue;
        faults.push(
          `${node}: the index of ${name} has ${line?.keys.length ?? 0} rows of ${user}, ` +
            `the table ${expected.length}`,
        );
      }
    }
  }
  return faults;
}

/** The last acknowledged write of each key that only its owner writes must be everywhere. */
function losses(
  facts: RunFacts,
  run: { log: Log; dumps: readonly Dump[]; counts: { checked: number } },
): string[] {
  const { origin } = run.log;
  const isDead = !Object.values(facts.live).includes(origin);
  const faults: string[] = [];
  const types = new Map(facts.tables.map((table) => [table.name, table]));
  const histories = new Map<string, Write[]>();
  for (const write of run.log.writes) {
    const table = types.get(write.table);
    if (table === undefined || !write.key.startsWith('["own"')) continue;
    if (isDead && table.lifetime === "node") continue;
    // A bag's values have histories of their own: added, then removed.
    const name = `${write.table} ${write.key}${table.type === "bag" ? ` value ${write.n}` : ""}`;
    const history = histories.get(name);
    if (history === undefined) histories.set(name, [write]);
    else history.push(write);
  }
  for (const [name, history] of histories) {
    // What was acknowledged while no other node was in reach died with a node that has died.
    const last = history.findLastIndex(
      (write) => write.isAcknowledged && !(isDead && write.isAlone),
    );
    if (last < 0) continue;
    run.counts.checked++;
    const possible = history.slice(last);
    const isBag = types.get(possible[0]?.table ?? "")?.type === "bag";
    for (const dump of run.dumps) {
      const found = foundIn(dump, possible[0] as Write, { isBag, isDead });
      if (possible.some((write) => isOutcome(write, found))) continue;
      const wanted = possible.map(({ op, n }) => `${op} ${n}`).join(" or ");
      faults.push(
        `${dump.node}: ${name} of ${origin} is ${found.join() || "absent"}, not ${wanted}`,
      );
    }
  }
  return faults;
}

/** The counts `n` of the rows that a node holds and shows; of a bag only the one asked for. */
function foundIn(dump: Dump, write: Write, how: { isBag: boolean; isDead: boolean }): number[] {
  const rows = dump.byKey.get(`${write.table} ${write.key}`) ?? [];
  const ns = rows.filter((row) => !row.hidden).map((row) => row.value.n);
  return how.isBag ? ns.filter((n) => n === write.n) : ns;
}

function isOutcome(write: Write, found: readonly number[]): boolean {
  const isGone = write.op === "delete" || write.op === "remove";
  if (isGone) return found.length === 0;
  return found.length === 1 && found[0] === write.n;
}

function readDump(folder: string, file: string): Dump {
  const node = file.slice("dump-".length, -".ndjson".length);
  const dump: Dump = { node, rows: [], indexes: [], byKey: new Map() };
  for (const line of linesOf(join(folder, file))) {
    if ("index" in line) {
      dump.indexes.push(line as unknown as IndexLine);
      continue;
    }
    const row = line as unknown as DumpRow;
    dump.rows.push(row);
    const key = `${row.table} ${JSON.stringify(row.key)}`;
    const rows = dump.byKey.get(key);
    if (rows === undefined) dump.byKey.set(key, [row]);
    else rows.push(row);
  }
  return dump;
}

function readLog(
  path: string,
  counts: { acknowledged: number; rejected: number },
  faults: string[],
): Log {
  const log: Log = { origin: 0, writes: [] };
  const byId = new Map<unknown, Write>();
  for (const line of linesOf(path)) {
    if ("origin" in line) log.origin = Number(line.origin);
    else if ("acknowledged" in line) {
      counts.acknowledged++;
      const write = byId.get(line.acknowledged);
      if (write === undefined) continue;
      write.isAcknowledged = true;
      // Members that were counted out before they had applied it hold it no more than none.
      write.isAlone = line.alone === true || line.nodes === 0;
      const isOwn = write.key.startsWith('["own"');
      // Each follows a write of this very node that made what it is about.
      if (line.applied !== true && isOwn) {
        faults.push(`${path}: ${write.op} ${write.n} of ${write.table} ${write.key} found no row`);
      }
    } else if ("rejected" in line) counts.rejected++;
    else if ("op" in line) {
      const write = {
        table: String(line.table),
        key: JSON.stringify(line.key),
        op: String(line.op),
        n: Number(line.n),
        isAcknowledged: false,
        isAlone: false,
      };
      byId.set(line.id, write);
      log.writes.push(write);
    }
  }
  return log;
}

/** A last line may be torn, for its writer may have been killed. */
function linesOf(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop();
  return lines.map((line) => JSON.parse(line));
}

function textOf(keys: readonly unknown[]): string {
  return keys
    .map((key) => JSON.stringify(key))
    .sort()
    .join();
}

function nameOf({ table, key, ownerOrigin }: DumpRow): string {
  return `${table} ${JSON.stringify(key)} of ${ownerOrigin}`;
}

try {
  const verdict = judge(process.argv[2] ?? ".");
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
  process.exitCode = verdict.faults.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`compare: ${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 2;
}
