/** Runs the conformance suite and the models on one adapter, under vitest. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConformanceSubject, storeConformance } from "../../../src/persistent-testing.ts";
import { archiveModel } from "./archive-model.ts";
import { rowsModel } from "./rows-model.ts";

/** How the suite gets its subject. */
export interface SuiteOptions {
  readonly make: () => Promise<ConformanceSubject>;
  /** Rounds of each model. */
  readonly rounds: number;
  /** Names of the claims that the adapter need not show. Default: that of a quota. */
  readonly exempt?: readonly string[];
}

/** The claim that only adapters with a quota show. */
export const QUOTA = "archive: refuses items over its quota and changes nothing";

/** Registers everything that every adapter has to pass. */
export function adapterSuite(name: string, options: SuiteOptions): void {
  const { make, rounds, exempt = [QUOTA] } = options;
  describe(`the adapter "${name}"`, () => {
    let subject: ConformanceSubject | undefined;
    const given = () => {
      if (subject === undefined) throw new Error("the subject is not there yet");
      return subject;
    };
    beforeAll(async () => {
      subject = await make();
    });
    afterAll(() => subject?.adapter.close());

    for (const each of storeConformance(given)) {
      if (!exempt.includes(each.name)) it(each.name, each.run);
    }
    it("has to show all claims but those", () => {
      const free = storeConformance(given).filter((each) => each.exempt !== undefined);
      expect(free.map((each) => each.name)).toEqual(exempt);
    });

    it("does with rows what the model does", () => rowsModel(given().adapter, rounds));
    it("does with archives what the model does", () => archiveModel(given().adapter, rounds));
  });
}
