/**
 * Convergence as a property: any commands on two to five nodes, under any delays, cuts, crashes
 * and restarts, leave all replicas equal once it is quiet, and equal to the oracle at each step.
 * A failure shrinks to the shortest history; fast-check prints its seed and path.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Script, ScriptAction, WriteVerb } from "./sim/script.ts";
import { World } from "./sim/world.ts";

/** One command and the time since the one before it. */
interface Command {
  readonly waitMs: number;
  readonly make: (atMs: number) => ScriptAction;
}

const VERBS: readonly WriteVerb[] = [
  "set",
  "set",
  "patch",
  "delete",
  "setMany",
  "deleteMany",
  "add",
  "remove",
];

const node = fc.nat({ max: 4 });
const wait = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 20 }) },
  { weight: 2, arbitrary: fc.nat({ max: 400 }) },
  { weight: 1, arbitrary: fc.nat({ max: 3000 }) },
);

const write = fc
  .record({
    node,
    verb: fc.constantFrom(...VERBS),
    table: fc.nat({ max: 3 }),
    keys: fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 1, maxLength: 3 }),
    ack: fc.constantFrom("all" as const, "none" as const, 1),
  })
  .map((given) => (atMs: number): ScriptAction => {
    return { kind: "write", atMs, timeoutMs: 1000, ...given };
  });

const backAfterMs = fc.constantFrom(50, 700, 3000);
const crash = fc.record({ node, silent: fc.boolean(), backAfterMs }).map(
  (given) =>
    (atMs: number): ScriptAction => ({ kind: "crash", atMs, ...given }),
);
const leave = fc.record({ node, backAfterMs }).map(
  (given) =>
    (atMs: number): ScriptAction => ({ kind: "leave", atMs, ...given }),
);
const cut = fc
  .record({
    from: node,
    to: node,
    oneWay: fc.boolean(),
    toldShare: fc.constantFrom(0, 1),
    forMs: fc.integer({ min: 1, max: 2500 }),
  })
  .map(
    (given) =>
      (atMs: number): ScriptAction => ({ kind: "cut", atMs, ...given }),
  );
const stall = fc.record({ node, forMs: fc.integer({ min: 1, max: 1500 }) }).map(
  (given) =>
    (atMs: number): ScriptAction => ({ kind: "stall", atMs, ...given }),
);

const command: fc.Arbitrary<Command> = fc
  .tuple(
    wait,
    fc.oneof(
      { weight: 14, arbitrary: write },
      { weight: 2, arbitrary: cut },
      { weight: 1, arbitrary: crash },
      { weight: 1, arbitrary: leave },
      { weight: 1, arbitrary: stall },
    ),
  )
  .map(([waitMs, make]) => ({ waitMs, make }));

const script: fc.Arbitrary<Script> = fc
  .record({
    seed: fc.nat(),
    nodeCount: fc.integer({ min: 2, max: 5 }),
    delayMaxMs: fc.constantFrom(1, 100),
    opRingOps: fc.constantFrom(2, 8),
    creditWindowBytes: fc.constantFrom(100, 10_000),
    commands: fc.array(command, { minLength: 1, maxLength: 60, size: "max" }),
  })
  .map(({ seed, nodeCount, delayMaxMs, opRingOps, creditWindowBytes, commands }) => {
    let atMs = 500;
    const actions = commands.map(({ waitMs, make }) => {
      atMs += waitMs;
      return make(atMs);
    });
    return {
      seed,
      nodes: Array.from({ length: nodeCount }, (_, at) => ({
        bootAtMs: at * 30,
        skewMs: (at - 2) * 100,
        turnMs: 0,
      })),
      tables: [
        { name: "a", type: "set", lifetime: "node", indexed: true },
        { name: "b", type: "set", lifetime: "cluster", indexed: false },
        { name: "c", type: "bag", lifetime: "node", indexed: false },
        { name: "d", type: "bag", lifetime: "cluster", indexed: true },
      ],
      network: { delayMinMs: 0.1, delayMaxMs, jitterMs: delayMaxMs, dialTimeoutMs: 500 },
      timings: {
        pingMs: 250,
        downMs: 1000,
        refusedDownMs: 500,
        handshakeMs: 2000,
        redialMinMs: 50,
        redialMaxMs: 800,
        // Longer than any cut: what a split that is forgotten leads to is another property.
        forgetAfterMs: 20_000,
      },
      limits: {
        opRingOps,
        creditWindowBytes,
        chunkKeys: 2,
        sliceRows: 2,
        frameOps: 4,
        lagMs: 1000,
        pullStallMs: 2000,
      },
      originGap: 3,
      actions,
      activeMs: atMs + 100,
    };
  });

describe("convergence", () => {
  it("leaves all replicas equal after any history", { timeout: 240_000 }, () => {
    fc.assert(
      fc.property(script, (history) => {
        const { violation } = new World(history).run();
        expect(violation).toBeNull();
      }),
      // Shrinking takes long: it ends in time to be printed.
      { numRuns: 80, interruptAfterTimeLimit: 180_000 },
    );
  });
});
