/**
 * What a frame means, with cluster-wide ids, decoded keys and decoded values: free of how today's
 * code holds it. Types only.
 */
import type { ClusterFrame } from "../../src/cluster/cluster-frames.ts";
import type { NodeReport } from "../../src/node/report.ts";
import type { AckFrame } from "../../src/tables/control-frames.ts";
import type { TableIdentity } from "../../src/tables/table-state.ts";
import type { View } from "../../src/tables/view.ts";

/** Origin id and seq. */
export type DotMeaning = readonly [origin: number, seq: number];
/** High and low part of a stamp. */
export type StampMeaning = readonly [hi: number, lo: number];

export interface OpMeaning {
  readonly kind: "set" | "patch" | "delete";
  readonly table: TableIdentity;
  readonly key: unknown;
  /** Of a patch. */
  readonly birth?: DotMeaning;
  readonly kills?: readonly DotMeaning[];
  readonly stamp: StampMeaning;
  /** Not of a delete. */
  readonly value?: unknown;
  readonly goesOn?: true;
}

export interface SiblingMeaning {
  readonly birth: DotMeaning;
  /** Where the puller lacks it: the newest write, its stamp and its value. */
  readonly written?: {
    readonly dot: DotMeaning;
    readonly stamp: StampMeaning;
    readonly value: unknown;
  };
}

export interface OpsMeaning {
  readonly kind: "ops";
  readonly origin: number;
  readonly firstSeq: number;
  readonly ops: readonly OpMeaning[];
}

export interface ChunkMeaning {
  readonly kind: "chunk";
  readonly pullId: number;
  readonly items: readonly {
    readonly table: TableIdentity;
    readonly key: unknown;
    readonly siblings: readonly SiblingMeaning[];
  }[];
}

export interface EndMeaning {
  readonly kind: "end";
  readonly pullId: number;
  readonly view: View;
  /** One a bucket, 1 where the two sides differed. */
  readonly differs: readonly number[];
  readonly ahead: readonly {
    readonly table: TableIdentity;
    readonly key: unknown;
    readonly birth: DotMeaning;
  }[];
}

export type Meaning =
  | ClusterFrame
  | OpsMeaning
  | ({ readonly kind: "ack" } & AckFrame)
  | {
      readonly kind: "vector";
      readonly view: View;
      readonly links: readonly number[];
      readonly applied: ReadonlyMap<number, number>;
    }
  | {
      readonly kind: "pull";
      readonly id: number;
      readonly view: View;
      /** Sums by bucket, two words each, where there is a digest. */
      readonly rows: "unsaid" | "none" | readonly number[];
    }
  | ChunkMeaning
  | EndMeaning
  | { readonly kind: "caught" | "far"; readonly pullId: number }
  | ({ readonly kind: "report" } & NodeReport);
