/** Leases of stores: held while their process wants them, and no longer. */
import { expect, it } from "vitest";
import { NotRunningError } from "../../../src/errors.ts";
import type { Lease, Leases } from "../../../src/persistent/contract/leases.ts";
import { LeaseKeeper } from "../../../src/persistent/leases/lease-keeper.ts";
import type { Budget } from "../../../src/persistent.ts";
import { silentLog } from "../../../src/runtime.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

const BUDGET: Budget = { timeoutMs: 1000, signal: undefined };

/** A back end that answers when it is told to. */
class SlowLeases implements Leases {
  readonly held = new Map<string, string>();
  gate: Promise<void> | undefined;

  async take(name: string, holder: string, ttlMs: number): Promise<Lease> {
    this.held.set(name, holder);
    await this.gate;
    return { name, holder, leftMs: ttlMs };
  }

  async release(name: string): Promise<void> {
    this.held.delete(name);
  }

  async list(): Promise<readonly Lease[]> {
    return [];
  }
}

/** Time passes second by second, and promises settle in between. */
async function pass(clock: VirtualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it("gives a lease back that it was granted after it had been stopped", async () => {
  const leases = new SlowLeases();
  const clock = new VirtualClock();
  const keeper = new LeaseKeeper({ leases, holder: "here", clock, log: silentLog });
  let open = () => {};
  leases.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const taking = keeper.take("use roster", "the roster", BUDGET);
  await keeper.stop();
  open();
  await expect(taking).rejects.toThrow(NotRunningError);
  expect(leases.held.size).toBe(0);
});

it("takes a lease that was renewed too late for lost, until it is taken again", async () => {
  const leases = new SlowLeases();
  const clock = new VirtualClock();
  const keeper = new LeaseKeeper({ leases, holder: "here", clock, log: silentLog });
  await keeper.take("use roster", "the roster", BUDGET);
  await pass(clock, 60_000);
  expect(keeper.isHeld("use roster", 9_000)).toBe(true);
  expect(keeper.isHeld("use roster", 15_000)).toBe(false);
  // The answer to a renewal comes when the lease that is known of has run out.
  let open = () => {};
  leases.gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  await pass(clock, 16_000);
  expect(keeper.isHeld("use roster")).toBe(false);
  open();
  leases.gate = undefined;
  await pass(clock, 60_000);
  expect(leases.held.get("use roster")).toBe("here");
  expect(keeper.isHeld("use roster")).toBe(false);
  expect(() => keeper.assertHeld("use roster")).toThrow(/was not renewed in time/);
  await keeper.take("use roster", "the roster", BUDGET);
  await pass(clock, 60_000);
  expect(keeper.isHeld("use roster")).toBe(true);
  await keeper.stop();
});
