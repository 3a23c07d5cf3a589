import { describe, expect, test } from "vitest";
import { Slice } from "../../src/tables/slice.ts";
import { Tables } from "../../src/tables/tables.ts";

describe("a slice of a job", () => {
  test("ends after so many rows where time stands still", () => {
    const slice = new Slice(() => 0, { rows: 50, ms: 4 });
    let rows = 1;
    while (!slice.isOver()) rows++;
    expect(rows).toBe(50);
  });

  test("ends soon after its time is over, however many rows are left", () => {
    let nowMs = 0;
    const slice = new Slice(() => nowMs, { rows: 10_000, ms: 4 });
    let rows = 0;
    do {
      rows++;
      nowMs += 0.1;
    } while (!slice.isOver());
    expect(rows).toBeGreaterThanOrEqual(40);
    expect(rows).toBeLessThanOrEqual(56);
  });

  test("rows handled together count as so many", () => {
    let looks = 0;
    const now = () => {
      looks++;
      return 0;
    };
    const slice = new Slice(now, { rows: 100, ms: 4 });
    expect([slice.isOver(60), slice.isOver(39), slice.isOver(1)]).toEqual([false, false, true]);
    expect(looks).toBe(3);
  });
});

describe("a turn", () => {
  test("frames wait once it has lasted too long, in order, and are applied in later ones", () => {
    const wire = new Wire();
    const { from, to } = wire;
    const table = from.open({ name: "t", type: "set", lifetime: "node" });
    for (const key of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
      from.write.set(table, key, `p${key}`);
      from.run();
    }
    expect(wire.sent).toHaveLength(8);
    // Two looks at the clock, and the turn is over.
    wire.stepMs = 3;
    wire.deliver();
    const held = to.open({ name: "t", type: "set", lifetime: "node" }).rows;
    const { waitingFrames } = to.work;
    expect(waitingFrames).toBeGreaterThan(0);
    expect(held.size + waitingFrames).toBe(8);
    let turns = 0;
    for (; to.work.waitingFrames > 0 && turns < 10; turns++) to.run();
    expect(turns).toBeGreaterThan(1);
    expect(held.size).toBe(8);
    expect(to.counters.gaps).toBe(0);
  });

  test("a long batch is read in several turns and applied in one of its own", () => {
    const wire = new Wire();
    const { from, to } = wire;
    const table = from.open({ name: "t", type: "set", lifetime: "node" });
    const rows = Array.from({ length: 4000 }, (_, row): [string, string] => [`k${row}`, "pv"]);
    from.write.setMany(table, rows);
    from.run();
    expect(wire.sent).toHaveLength(1);
    wire.stepMs = 3;
    wire.deliver();
    const held = to.open({ name: "t", type: "set", lifetime: "node" }).rows;
    const sizes = [held.size];
    const reading = Math.ceil(rows.length / to.limits.frameOps);
    for (let turn = 0; to.work.waitingFrames > 0 && turn < 2 * reading; turn++) {
      to.run();
      sizes.push(held.size);
    }
    expect(reading).toBeGreaterThan(3);
    expect(sizes).toEqual([...new Array(1 + reading).fill(0), 4000]);
  });
});

/** Two that stream to one another, on a clock that goes on with each look at it. */
class Wire {
  stepMs = 0;
  readonly sent: { readonly to: number; readonly frame: Uint8Array }[] = [];
  readonly from = this.#tables(1);
  readonly to = this.#tables(2);
  #nowMs = 0;

  constructor() {
    this.from.memberUp(2);
    this.to.memberUp(1);
    this.from.linkUp(2, "to");
    this.to.linkUp(1, "from");
    for (let round = 0; round < 20; round++) {
      this.from.run();
      this.to.run();
      this.deliver();
    }
    expect(this.sent).toEqual([]);
  }

  deliver(): void {
    for (const { to, frame } of this.sent.splice(0)) {
      if (to === 2) this.to.receive(1, frame);
      else this.from.receive(2, frame);
    }
  }

  #tables(origin: number): Tables {
    return new Tables({
      origin,
      wall: () => 1_800_000_000_000,
      now: () => {
        this.#nowMs += this.stepMs;
        return this.#nowMs;
      },
      outbox: {
        send: (to, frame) => this.sent.push({ to, frame }),
        disconnect: (_, reason) => expect(reason).toBe(""),
        wake: () => undefined,
      },
    });
  }
}
