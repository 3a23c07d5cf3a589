/** Runs the conformance suite and the models on one adapter, under vitest. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { type ConformanceSubject, storeConformance } from "../../../src/persistent-testing.ts";
import { archiveModel } from "./archive-model.ts";
import { rowsModel } from "./rows-model.ts";

/** How the suite gets its subject. */
export interface SuiteOptions {
  readonly make: () => Promise<ConformanceSubject>;
  /** Rounds of each model. */
  readonly rounds: number;
}

/** Registers everything that every adapter has to pass. */
export function adapterSuite(name: string, { make, rounds }: SuiteOptions): void {
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
      it(each.name, async (context) => {
        if (each.exempt !== undefined) context.skip(each.exempt);
        await each.run();
      });
    }

    it("does with rows what the model does", () => rowsModel(given().adapter, rounds));
    it("does with archives what the model does", () => archiveModel(given().adapter, rounds));
  });
}
