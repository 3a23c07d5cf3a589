/**
 * What a node takes from the machine that it runs on. Types only. Makers: system.ts (the real
 * one), src/testing (one process, virtual time).
 */
import type { Transport } from "../cluster/transport.ts";
import type { Clock, Random } from "../runtime.ts";
import type { CheckedNodeOptions } from "./options.ts";

export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** Where the node listens and dials. Called once for each node. */
  transport(options: CheckedNodeOptions): Transport;
}
