import { describe, expect, test } from "vitest";
import { Pace } from "../../src/tables/pace.ts";
import { Tables } from "../../src/tables/tables.ts";

describe("the pace of a job", () => {
  test("rows that take too long become fewer, down to a least", () => {
    const pace = new Pace(2000);
    const first = pace.rows;
    pace.took(40, 4);
    expect(pace.rows).toBe(first / 2);
    for (let slice = 0; slice < 20; slice++) pace.took(40, 4);
    expect(pace.rows).toBe(32);
  });

  test("rows that are quick become more, up to the most, and settle where the time is used", () => {
    const pace = new Pace(2000);
    for (let slice = 0; slice < 20; slice++) pace.took(pace.rows * 0.01, 4);
    expect(pace.rows).toBe(400);
    for (let slice = 0; slice < 20; slice++) pace.took(0, 4);
    expect(pace.rows).toBe(2000);
  });

  test("a job of few rows a slice has no more at its beginning", () => {
    expect(new Pace(3).rows).toBe(3);
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
