/**
 * What nodes tell each other beside tables and membership: which tables their code has declared
 * and whether their discovery works. It feeds the lists of `status()` and nothing else.
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { SPLIT_POLICIES, type SplitPolicy } from "../tables/split.ts";
import type { TableLifetime, TableType } from "../tables/table-state.ts";

/** The node layer's frames; the cluster's and the tables' are below. */
export const FRAME_REPORT = 0x40;

/** Nodes with it tell, and are told, what each other's writes do in a split. */
export const FEATURE_SPLIT = "split";

/** Whether a node's discovery gives answers. */
export type DiscoveryState = "works" | "fails" | "none";

/** A table as declared. */
export interface DeclaredTable {
  readonly name: string;
  readonly type: TableType;
  readonly lifetime: TableLifetime;
  /** What that node's writes do in a split; absent if they are merged. */
  readonly split?: SplitPolicy;
}

/** One node's report. */
export interface NodeReport {
  readonly discovery: DiscoveryState;
  readonly tables: readonly DeclaredTable[];
}

const STATES: readonly DiscoveryState[] = ["none", "works", "fails"];
const TABLES_MAX = 10_000;
const NAME_BYTES_MAX = 1024;

/** `withSplit`: the peer has the feature. */
export function encodeReport(report: NodeReport, withSplit = false): Uint8Array {
  const writer = new ByteWriter(256);
  writer.u8(FRAME_REPORT);
  writer.u8(STATES.indexOf(report.discovery));
  writer.varint(report.tables.length);
  for (const table of report.tables) {
    const split = withSplit ? SPLIT_POLICIES.indexOf(table.split ?? "merge") << 2 : 0;
    writer.u8((table.type === "bag" ? 1 : 0) | (table.lifetime === "cluster" ? 2 : 0) | split);
    writer.text(table.name);
  }
  return writer.take();
}

export function decodeReport(frame: Uint8Array): NodeReport {
  const reader = new ByteReader(frame);
  reader.u8();
  const discovery = STATES[reader.u8()];
  if (discovery === undefined) throw new ProtocolError("unknown state of discovery");
  const tables: DeclaredTable[] = [];
  const count = reader.varint(TABLES_MAX);
  for (let at = 0; at < count; at++) {
    const flags = reader.u8();
    const split = SPLIT_POLICIES[flags >> 2];
    if (split === undefined) throw new ProtocolError(`table flags ${flags}, known are 0 to 11`);
    tables.push({
      name: reader.text(NAME_BYTES_MAX),
      type: (flags & 1) !== 0 ? "bag" : "set",
      lifetime: (flags & 2) !== 0 ? "cluster" : "node",
      ...(split === "merge" ? {} : { split }),
    });
  }
  reader.end();
  return { discovery, tables };
}
