/**
 * The picture that `skein status` draws. The status comes from another process, perhaps of
 * another version: what is absent is left out, and no text of it can steer the terminal.
 */
import { columns, count, duration, type Paint, printable } from "./text.ts";

/** Lists that are empty on a healthy cluster, in the words a reader acts on. */
const TROUBLES: readonly (readonly [field: string, meaning: string])[] = [
  ["unavailableNodes", "discovered, but out of reach"],
  ["remoteNodesWithoutDiscovery", "nodes whose discovery does not work"],
  ["remoteUnknownTables", "tables declared elsewhere, not here"],
  ["remoteNodesWithUnknownTables", "nodes with tables not declared here"],
  ["remoteMissingTables", "tables declared here, not elsewhere"],
  ["remoteNodesWithMissingTables", "nodes without a table declared here"],
  ["conflictTables", "tables declared in different ways"],
  ["conflictNodes", "nodes that declare a table in another way"],
  ["splitTables", "tables that writers elsewhere treat otherwise in a split"],
  ["splitNodes", "nodes with another split policy for a table"],
];

/** Lines without their line ends. */
export function renderStatus(status: unknown, phase: string, paint: Paint): readonly string[] {
  const mark = phase === "ready" ? paint.green("●") : paint.yellow("●");
  const title = `${paint.bold(text(status, "name") || "?")} of ${text(status, "cluster") || "?"}`;
  const uptime = number(status, "uptimeMs");
  const up = uptime === undefined ? "" : `, up ${duration(uptime)}`;
  return [
    `${mark} node ${title}: ${printable(phase)}${up}`,
    ...facts(status),
    ...section(paint, "Links", links(status)),
    ...section(paint, "Tables", tables(status)),
    ...section(paint, "To look at", troubles(status, paint)),
  ];
}

function facts(status: unknown): string[] {
  const loop = field(status, "loopDelay");
  const p99 = number(loop, "p99Ms");
  const max = number(loop, "maxMs");
  const discovery = field(status, "discoveryWorks");
  const rows = [
    ["  address", text(status, "address")],
    ["  origin", text(status, "origin")],
    ["  node number", text(status, "nodeNumber")],
    ["  discovery", discovery === undefined ? "" : discovery ? "works" : "does not answer"],
    ["  discovered", names(field(status, "discoveredNodes"))],
    ["  available", names(field(status, "availableNodes"))],
    ["  pending writes", text(status, "pendingWrites")],
    ["  stores", stores(status)],
    [
      "  loop delay",
      p99 === undefined ? "" : `p99 ${duration(p99)}${max ? `, max ${duration(max)}` : ""}`,
    ],
  ];
  return columns(rows.filter(([, value]) => value !== ""));
}

/** Each connection, and a word of warning for those that forget. */
function stores(status: unknown): string {
  const all = items(status, "stores").map((store) => {
    const [connection, adapter] = [text(store, "connection"), text(store, "adapter")];
    const name = connection === adapter ? connection : `${connection} (${adapter})`;
    return adapter === "memory" ? `${name}: lost at the end` : name;
  });
  return all.join(", ");
}

function links(status: unknown): string[] {
  const rows = items(status, "links").map((link) => {
    const roundTrip = number(link, "roundTripMs");
    return [
      `  ${text(link, "name")}`,
      text(link, "origin"),
      roundTrip === undefined ? "–" : duration(roundTrip),
      text(link, "bufferedBytes") || "–",
    ];
  });
  const head = ["  to", "origin", "round trip", "bytes waiting"];
  return rows.length === 0 ? ["  none"] : columns([head, ...rows], [1, 2, 3]);
}

function tables(status: unknown): string[] {
  const rows = items(status, "tables").map((table) => [
    `  ${text(table, "name")}`,
    text(table, "type"),
    text(table, "lifetime"),
    count(number(table, "size") ?? 0),
    text(table, "digest"),
  ]);
  const head = ["  name", "type", "lifetime", "rows", "digest"];
  return rows.length === 0 ? ["  none"] : columns([head, ...rows], [3]);
}

function troubles(status: unknown, paint: Paint): string[] {
  const found = TROUBLES.filter(([name]) => items(status, name).length > 0);
  const paused = items(status, "paused").map((one) => {
    const tables = names(field(one, "tables"));
    return `  ${paint.yellow("writes are refused")}: ${tables} (${text(one, "text")})`;
  });
  const lists = found.map(([name, meaning]) => {
    return `  ${paint.yellow(meaning)}: ${names(field(status, name))}`;
  });
  return [...paused, ...lists];
}

function section(paint: Paint, title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [paint.bold(title), ...lines];
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function items(value: unknown, name: string): readonly unknown[] {
  const list = field(value, name);
  return Array.isArray(list) ? list : [];
}

function number(value: unknown, name: string): number | undefined {
  const found = field(value, name);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function text(value: unknown, name: string): string {
  return shown(field(value, name));
}

function names(value: unknown): string {
  if (!Array.isArray(value)) return "";
  return value.length === 0 ? "none" : value.map(shown).join(", ");
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return printable(value);
  if (Array.isArray(value)) return value.map(shown).join(" ");
  const named = field(value, "name");
  return named === undefined ? printable(JSON.stringify(value)) : shown(named);
}
