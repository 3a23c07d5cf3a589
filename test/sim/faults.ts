/** Makes the faults of a script happen, and keeps the record of what is wrong when. */
import { Calm } from "./calm.ts";
import type { Fleet, Trace } from "./fleet.ts";
import type { Incarnation } from "./incarnation.ts";
import type { LeaseDatabase } from "./lease-database.ts";
import type { Network } from "./network.ts";
import type { ScriptAction } from "./script.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** Every action but what the code of a node does. */
export type FaultAction = Exclude<ScriptAction, { kind: "write" | "remove table" }>;

/** Those that are told of a cut are told within this time. */
const CUT_DETECT_MS = 400;
/** Of the connections that are told nothing, so many are broken for good. */
const CUT_BROKEN_SHARE = 0.5;

/** What faults work on. */
export interface FaultParts {
  readonly time: VirtualClock;
  readonly network: Network;
  readonly fleet: Fleet;
  readonly totals: Totals;
  readonly trace: Trace | null;
  /** Where leases are held, if any table asks for one. */
  readonly database?: LeaseDatabase | null;
  /** No fault lasts longer than to this time. */
  readonly activeMs: number;
}

/** The faults. */
export class Faults {
  readonly calm = new Calm();
  /** The same of the network alone: stalled nodes do not count. */
  readonly network = new Calm();
  readonly #parts: FaultParts;
  readonly #stalls: { readonly of: Incarnation; readonly fromMs: number; readonly toMs: number }[] =
    [];

  constructor(parts: FaultParts) {
    this.#parts = parts;
  }

  act(action: FaultAction): void {
    const { network, fleet, totals, time } = this.#parts;
    switch (action.kind) {
      case "crash": {
        const node = fleet.node(action.node);
        if (node.current === null) return;
        totals.crashes++;
        return fleet.end(node, action.silent, action.backAfterMs);
      }
      case "leave":
        return fleet.leave(fleet.node(action.node), action.backAfterMs);
      case "replace":
        return this.#replace(action);
      case "cut":
        return this.#cut([this.#addresses(action.from, action.to)], action);
      case "split":
        return this.#cut(this.#pairsAcross(action.side), { ...action, oneWay: false });
      case "reset": {
        this.calm.touch(time.nowMs);
        this.network.touch(time.nowMs);
        return network.reset(...this.#addresses(action.from, action.to));
      }
      case "refuse": {
        const { address } = fleet.node(action.node);
        totals.refusals++;
        network.refuse(address, true);
        for (const other of action.resets) network.reset(address, fleet.node(other).address);
        return this.#during(action.forMs, () => network.refuse(address, false));
      }
      case "stall":
        return this.#stall(fleet.node(action.node).current, action.forMs);
      case "slow": {
        const { address } = fleet.node(action.node);
        network.slowReader(address, action.readMs);
        return this.#during(action.forMs, () => network.slowReader(address, 0));
      }
      case "database":
        return this.#parts.database?.befall(action);
      case "clock":
        return fleet.node(action.node).current?.process.stepWall(action.stepMs);
      default:
        return action satisfies never;
    }
  }

  /** For how long that process did not run since then. */
  stalledMs(of: Incarnation, sinceMs: number): number {
    let sum = 0;
    for (const stall of this.#stalls) {
      if (stall.of !== of) continue;
      const toMs = Math.min(stall.toMs, this.#parts.time.nowMs);
      sum += Math.max(0, toMs - Math.max(stall.fromMs, sinceMs));
    }
    return sum;
  }

  #addresses(from: number, to: number): [string, string] {
    const { fleet } = this.#parts;
    return [fleet.node(from).address, fleet.node(to).address];
  }

  #pairsAcross(side: number): [string, string][] {
    const pairs: [string, string][] = [];
    for (const a of this.#parts.fleet.nodes) {
      for (const b of this.#parts.fleet.nodes) {
        const isApart = ((side >> a.index) & 1) === 1 && ((side >> b.index) & 1) === 0;
        if (isApart) pairs.push([a.address, b.address]);
      }
    }
    return pairs;
  }

  /** Cut off from all others, its name goes to a new process elsewhere. */
  #replace(action: Extract<FaultAction, { kind: "replace" }>): void {
    const { fleet } = this.#parts;
    const node = fleet.node(action.node);
    const old = node.address;
    const hearer = action.hearer === undefined ? null : fleet.node(action.hearer);
    const others = fleet.nodes.filter((other) => other !== node && other !== hearer);
    if (!fleet.replace(node)) return;
    const pairs = others.map((other): [string, string] => [old, other.address]);
    this.#cut([...pairs, [old, node.address]], { ...action, oneWay: false });
  }

  #cut(
    pairs: readonly (readonly [string, string])[],
    how: { readonly oneWay: boolean; readonly toldShare: number; readonly forMs: number },
  ): void {
    const { network, totals } = this.#parts;
    const { oneWay, toldShare, forMs } = how;
    const cut: (readonly [string, string])[] = [];
    for (const [a, b] of pairs) {
      if (a === b || network.isCut(a, b) || network.isCut(b, a)) continue;
      network.cut(a, b, {
        oneWay,
        toldShare,
        detectMs: CUT_DETECT_MS,
        brokenShare: CUT_BROKEN_SHARE,
      });
      totals.cuts++;
      cut.push([a, b]);
    }
    if (cut.length === 0) return;
    this.#note("network", `cut ${JSON.stringify(cut)} for ${forMs} ms`);
    this.#during(forMs, () => {
      for (const [a, b] of cut) network.repair(a, b);
      this.#note("network", `repaired ${JSON.stringify(cut)}`);
    });
  }

  #during(forMs: number, end: () => void): void {
    const { time, activeMs } = this.#parts;
    this.calm.begin();
    this.network.begin();
    time.after(Math.min(forMs, Math.max(0, activeMs - time.nowMs)), () => {
      end();
      this.network.end(time.nowMs);
      this.calm.end(time.nowMs);
    });
  }

  #stall(life: Incarnation | null, forMs: number): void {
    const { fleet, totals, time } = this.#parts;
    if (!fleet.isHealthy(life)) return;
    totals.stalls++;
    this.#note(life.who, `stalls for ${forMs} ms`);
    this.#stalls.push({ of: life, fromMs: time.nowMs, toMs: time.nowMs + forMs });
    life.process.stall(forMs);
    this.calm.begin();
    time.after(forMs, () => this.calm.end(time.nowMs));
  }

  #note(who: string, what: string): void {
    this.#parts.trace?.(this.#parts.time.nowMs, who, what);
  }
}
