/**
 * The nodes of a run and their lives: booting, ending, leaving, being replaced while they are cut
 * off, and starting anew after they were fenced.
 */
import type { DownReason } from "../../src/cluster/cluster-events.ts";
import type { SplitRefusal } from "../../src/errors.ts";
import { ENGINE_FEATURES } from "../../src/node/engine.ts";
import type { Log } from "../../src/runtime.ts";
import { FEATURE_HELD } from "../../src/tables/features.ts";
import type { WrittenOp } from "../../src/tables/observer.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { Incarnation } from "./incarnation.ts";
import type { LeaseDatabase } from "./lease-database.ts";
import type { Network } from "./network.ts";
import { SimProcess } from "./process.ts";
import type { Script, ScriptNode } from "./script.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { DEFAULT_SHAPE } from "./shapes.ts";
import type { Report } from "./state-checker.ts";
import type { Totals } from "./totals.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** One line of what happens, for `--trace`. */
export type Trace = (atMs: number, who: string, what: string) => void;

/** One name, over all its lives. */
export interface SimNode {
  readonly index: number;
  readonly name: string;
  /** Changes when the node is replaced on another machine. */
  address: string;
  current: Incarnation | null;
  /** It is to come back. */
  bootDue: boolean;
}

/** What the fleet is made of and tells. */
export interface FleetParts {
  readonly script: Script;
  readonly time: VirtualClock;
  readonly random: SeededRandom;
  readonly network: Network;
  readonly totals: Totals;
  readonly report: Report;
  readonly trace: Trace | null;
  readonly turned: (life: Incarnation) => void;
  readonly wrote: (life: Incarnation, op: WrittenOp) => void;
  readonly declared: (life: Incarnation, table: TableState) => void;
  readonly accused: (life: Incarnation, origin: number, reason: DownReason) => void;
  /** Where leases are held, if any table asks for one. */
  readonly database?: LeaseDatabase | null;
  /** Its tables of a policy are refused to its writers from now on. */
  readonly paused?: (life: Incarnation, refusal: SplitRefusal) => void;
  readonly died: (life: Incarnation) => void;
  readonly opened?: (life: Incarnation) => void;
  readonly replaced?: (life: Incarnation) => void;
}

/** The nodes. */
export class Fleet {
  readonly nodes: readonly SimNode[];
  /** Every life so far, by origin. */
  readonly lives = new Map<number, Incarnation>();
  /** Lives whose name was given to another process while they could not be reached. */
  readonly replaced = new Set<Incarnation>();
  readonly #parts: FleetParts;
  #nextOrigin = 1;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.nodes = parts.script.nodes.map((_, index) => ({
      index,
      name: `n${index}`,
      address: `sim://n${index}:7400`,
      current: null,
      bootDue: false,
    }));
  }

  /** The node of an index, which may be any number. */
  node(index: number): SimNode {
    return this.nodes[index % this.nodes.length] as SimNode;
  }

  /** Lives that run and count as the cluster. */
  live(): Incarnation[] {
    const live: Incarnation[] = [];
    for (const { current } of this.nodes) {
      if (current?.process.alive === true && !current.left) live.push(current);
    }
    return live;
  }

  /** Whether code of that life may run now and is expected to work. */
  isHealthy(life: Incarnation | null): life is Incarnation {
    if (life === null || !life.process.alive || life.process.stalled) return false;
    return life.fencedBy === null && !life.left;
  }

  bootLater(node: SimNode, delayMs: number): void {
    node.bootDue = true;
    this.#parts.time.after(delayMs, () => this.#boot(node));
  }

  /** The process ends at once, perhaps with its machine; null: it never comes back. */
  end(node: SimNode, silent: boolean, backAfterMs: number | null): void {
    const life = node.current;
    if (life === null || !life.process.alive) return;
    this.#note(life.who, silent ? "its machine goes off" : "its process ends");
    life.process.kill();
    life.cutShort = silent && life.left;
    this.#parts.network.crash(life.identity.address, silent);
    node.current = null;
    if (!life.left) this.#parts.died(life);
    if (backAfterMs !== null) this.bootLater(node, backAfterMs);
  }

  /** Says goodbye, then ends, after so long if that is said. */
  leave(node: SimNode, backAfterMs: number | null, endsAfterMs?: number): void {
    const life = node.current;
    if (!this.isHealthy(life)) return;
    this.#note(life.who, "says goodbye");
    this.#parts.totals.goodbyes++;
    life.left = true;
    // A frame that comes in after its process has ended resets a link, and what is under way on it.
    const livesOnMs = endsAfterMs ?? this.#parts.random.between(20, 300);
    const { delayMaxMs, jitterMs } = this.#parts.script.network;
    life.toldOrigins = livesOnMs > delayMaxMs + jitterMs ? this.#linkedBothWays(life) : [];
    life.process.call(() => life.engine.leave());
    this.#parts.died(life);
    // The process lives on a little, so that the goodbye goes out.
    this.#parts.time.after(livesOnMs, () => {
      if (node.current === life) this.end(node, false, backAfterMs);
    });
  }

  /** Origins that are linked to that life and know it. */
  #linkedBothWays(life: Incarnation): number[] {
    const linked: number[] = [];
    for (const { origin } of life.engine.cluster.linkedPeers()) {
      const peers = this.lives.get(origin)?.engine.cluster.linkedPeers() ?? [];
      if (peers.some((peer) => peer.origin === life.origin)) linked.push(origin);
    }
    return linked;
  }

  /** The name is given to a new process on another machine; the old one still runs. */
  replace(node: SimNode): boolean {
    const life = node.current;
    if (!this.isHealthy(life) || node.bootDue) return false;
    this.#note(life.who, "is replaced while it still runs");
    this.replaced.add(life);
    life.wasReplaced = true;
    this.#parts.replaced?.(life);
    node.address = `sim://n${node.index}x${this.#nextOrigin}:7400`;
    node.current = null;
    this.bootLater(node, this.#parts.random.between(0, 500));
    return true;
  }

  /** A life that was fenced ends soon, and starts anew unless it was replaced. */
  afterFence(life: Incarnation): void {
    const { time, random, totals } = this.#parts;
    if (this.replaced.delete(life)) {
      totals.fenced++;
      this.#note(life.who, `is fenced: ${life.fencedBy}`);
      this.#kill(life);
      return;
    }
    const node = this.nodes.find(({ current }) => current === life);
    if (node === undefined || node.bootDue) return;
    totals.fenced++;
    this.#note(life.who, `is fenced: ${life.fencedBy}`);
    node.bootDue = true;
    time.after(random.between(50, 800), () => {
      if (node.current === life) this.end(node, false, random.between(0, 500));
    });
  }

  /** Stops replaced lives whose successor did not live: nobody would ever tell them. */
  endOrphans(): void {
    for (const life of [...this.replaced]) {
      const node = this.nodes.find(({ name }) => name === life.identity.name);
      if (node === undefined || node.current !== null || node.bootDue) continue;
      this.replaced.delete(life);
      this.#kill(life);
    }
  }

  #kill(life: Incarnation): void {
    life.process.kill();
    this.#parts.network.crash(life.identity.address, false);
    this.#parts.died(life);
  }

  #boot(node: SimNode): void {
    node.bootDue = false;
    if (node.current?.process.alive === true) return;
    const { script, time, network, totals } = this.#parts;
    const { skewMs = 0, turnMs = 0, oldUntilMs = 0, ...kind } = script.nodes[node.index] ?? {};
    const random = this.#parts.random.fork(100 + node.index);
    const { name, address } = node;
    const startMs = random.int(0, 1_000_000);
    const process = new SimProcess(
      time,
      random.fork(1),
      { skewMs, turnMs, startMs },
      { turned: () => this.#parts.turned(life), threw: (error) => this.#threw(life.who, error) },
    );
    const origin = this.#nextOrigin;
    this.#nextOrigin += random.int(1, script.originGap);
    const life = new Incarnation(
      {
        identity: { name, address, origin, nodeNumber: node.index + 1 },
        script,
        features: time.nowMs < oldUntilMs ? [] : featuresOf(kind),
        process,
        random,
        transport: network.dialler(address, process),
        log: this.#logOf(`${name}#${origin}`),
        wrote: this.#parts.wrote,
        declared: this.#parts.declared,
        accused: this.#parts.accused,
        nowMs: () => time.nowMs,
        paused: (life, refusal) => this.#parts.paused?.(life, refusal),
        lease: this.#parts.database?.store({ name, origin }, process),
        opened: (life) => this.#parts.opened?.(life),
      },
      time.nowMs,
    );
    node.current = life;
    this.lives.set(origin, life);
    totals.boots++;
    this.#note(life.who, "boots");
    network.listen(address, process, (link) => life.accept(link));
    process.call(() => {
      // Others' rows of it are to end, too, when their owner is gone.
      for (const table of script.tables) {
        if (table.ttlMs !== undefined || table.split === "leaseSide") life.declare(table);
      }
      life.engine.start();
      this.#discover(life, random);
    });
  }

  /** Discovery: part of the addresses at first, all of them soon, and again now and then. */
  #discover(life: Incarnation, random: SeededRandom): void {
    const { discoverMs, rediscoverMs } = this.#parts.script.shape ?? DEFAULT_SHAPE;
    const others = (): string[] =>
      this.nodes.flatMap(({ address, current, bootDue }) => {
        // Who is gone for good is taken off the list.
        const isListed = current !== null || bootDue;
        return isListed && address !== life.identity.address ? [address] : [];
      });
    const again = (): void => {
      life.engine.cluster.setTargets(others());
      life.discovered = true;
      life.process.after(random.between(...rediscoverMs), again);
    };
    life.engine.cluster.setTargets(others().filter(() => random.chance(0.6)));
    life.process.after(random.between(...discoverMs), again);
  }

  #threw(who: string, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#parts.report(text.includes("gap: origin") ? "gaps" : "crash", `${who}: ${text}`);
  }

  /** Nothing that honest nodes send one another may be refused as bad. */
  #logOf(who: string): Log {
    const note = (fields: object, message = ""): void => {
      if (this.#parts.trace !== null) this.#note(who, `${message} ${JSON.stringify(fields)}`);
    };
    return {
      debug: note,
      info: note,
      warn: (fields, message) => {
        note(fields, message);
        if (!("event" in fields) || fields.event !== "bad-frame") return;
        const why = "message" in fields ? String(fields.message) : "";
        const isGap = /^op \d+ of origin/.test(why);
        this.#parts.report(isGap ? "gaps" : "protocol", `${who}: ${why}`);
      },
      error: (fields, message) => {
        note(fields, message);
        if (!("event" in fields) || fields.event !== "frame-handler-failed") return;
        this.#threw(who, "err" in fields ? fields.err : "nothing said");
      },
    };
  }

  #note(who: string, what: string): void {
    this.#parts.trace?.(this.#parts.time.nowMs, who, what);
  }
}

function featuresOf({ isOld, listsNoBirths }: Partial<ScriptNode>): readonly string[] {
  if (isOld === true) return [];
  return ENGINE_FEATURES.filter((feature) => feature !== FEATURE_HELD || listsNoBirths !== true);
}
