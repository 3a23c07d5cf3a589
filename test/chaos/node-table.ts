/** The table at the end of a run: one line for each node. */

/** What is shown of a node. Bytes are those in use after a collection of garbage. */
export interface NodeLine {
  readonly name: string;
  readonly origin: number;
  readonly rows: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly before: number;
  readonly after: number;
  readonly counters: Readonly<Record<string, number>>;
}

const HEAD = [
  "node",
  "incarnation",
  "rows",
  "loop p99 ms",
  "loop max ms",
  "memory MB",
  "applied",
  "relayed",
  "sessions",
  "aborted",
  "merges",
  "lagging",
];

/** Columns aligned to the right, but for the first. */
export function nodeTable(nodes: readonly NodeLine[]): string[] {
  const cells = [HEAD, ...nodes.map(cellsOf)];
  const widths = HEAD.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  "),
  );
}

function cellsOf(node: NodeLine): string[] {
  const count = (name: string) => String(node.counters[name] ?? 0);
  return [
    node.name,
    String(node.origin),
    String(node.rows),
    node.loopDelayP99Ms.toFixed(1),
    node.loopDelayMaxMs.toFixed(0),
    `${megabytes(node.before)} → ${megabytes(node.after)}`,
    count("applied"),
    count("relayed"),
    count("sessions"),
    count("sessionsAborted"),
    count("merges"),
    count("lagging"),
  ];
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
