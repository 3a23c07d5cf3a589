import { describe, expect, it } from "vitest";
import { Absence } from "../../src/cluster/absence.ts";

const GONE = 9;

describe("Absence", () => {
  it("an origin is agreed to be gone when every live member lists it, and not before", () => {
    const absence = new Absence();
    absence.round([GONE]);
    absence.reported(1, [GONE]);
    expect(absence.agreed([1, 2], 3)).toEqual([]);
    absence.reported(2, []);
    expect(absence.agreed([1, 2], 3)).toEqual([]);
    absence.reported(2, [GONE]);
    expect(absence.agreed([1, 2], 3)).toEqual([GONE]);
  });

  it("without it on the own list, others' lists mean nothing", () => {
    const absence = new Absence();
    absence.round([]);
    absence.reported(1, [GONE]);
    expect(absence.agreed([1], 1)).toEqual([]);
  });

  it("only the newest list of a member counts, and none once its link is gone", () => {
    const absence = new Absence();
    absence.round([GONE]);
    absence.reported(1, [GONE]);
    absence.reported(1, []);
    expect(absence.agreed([1], 1)).toEqual([]);
    absence.reported(1, [GONE]);
    absence.forget(1);
    expect(absence.agreed([1], 1)).toEqual([]);
  });

  it("half of those known, or fewer, close nobody", () => {
    const absence = new Absence();
    absence.round([GONE]);
    absence.reported(1, [GONE]);
    expect(absence.agreed([], 1)).toEqual([]);
    expect(absence.agreed([1], 3)).toEqual([]);
    expect(absence.agreed([1], 2)).toEqual([GONE]);
  });

  it("what was closed stays listed for a minute of pings, so that others come to agree", () => {
    const absence = new Absence();
    absence.round([GONE]);
    absence.closed(GONE);
    expect(absence.agreed([], 0)).toEqual([]);
    expect(absence.listed).toEqual([GONE]);
    for (let count = 0; count < 59; count++) absence.round([]);
    expect(absence.listed).toEqual([GONE]);
    absence.round([]);
    expect(absence.listed).toEqual([]);
  });
});
