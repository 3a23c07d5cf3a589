/** A group of nodes for one claim, with all defaults, and its end whatever happens. */
import { join } from "node:path";
import type { FaultNetwork } from "../chaos/fault-network.ts";
import { NodeGroup, type SharedPlan } from "../chaos/node-group.ts";

export const WHOLE_LIMIT_MS = 60_000;

export interface GroupWish {
  readonly folder: string;
  readonly size: number;
  readonly network?: FaultNetwork;
  readonly pauseMs?: number;
}

/** Runs `scene` with nodes that are not started yet; ends them. */
export async function withNodes<T>(
  { folder, size, network, pauseMs = 10 }: GroupWish,
  scene: (nodes: NodeGroup) => Promise<T>,
): Promise<T> {
  const names = Array.from({ length: size }, (_, at) => `node${at + 1}`);
  const plan: SharedPlan = {
    cluster: "proof",
    folder,
    pauseMs,
    discovery: { url: `sqlite:${join(folder, "nodes.db")}` },
  };
  const nodes = new NodeGroup(names, plan, network);
  try {
    return await scene(nodes);
  } finally {
    await nodes.dispose();
    await network?.dispose();
  }
}

/** Resolves when every node has joined every other. */
export function whole(nodes: NodeGroup): Promise<number> {
  return nodes.until("every node has joined every other", WHOLE_LIMIT_MS, () => nodes.isWhole());
}
