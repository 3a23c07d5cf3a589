/** The check that names every fault of the options of a ready-made table. */
import { InvalidOptionsError } from "../errors.ts";

/** What one option may be. `says` ends the sentence "… is X, allowed is …". */
export interface OptionRule {
  readonly allows: (value: unknown) => boolean;
  readonly says: string;
  readonly isRequired?: boolean;
}

export const A_FUNCTION: OptionRule = {
  allows: (value) => typeof value === "function",
  says: "a function",
};

export const A_NAME: OptionRule = {
  allows: (value) => typeof value === "string" && value !== "" && value.length <= 200,
  says: "a string of 1 to 200 characters",
};

export function aWholeNumber(least: number, most: number): OptionRule {
  return {
    allows: (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    says: `a whole number from ${least} to ${most}`,
  };
}

/** @throws InvalidOptionsError with all faults, unknown options among them */
export function checkOptions(
  subject: string,
  given: unknown,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  if (typeof given !== "object" || given === null) {
    throw new InvalidOptionsError(subject, ["options are not an object"]);
  }
  const values = new Map<string, unknown>(Object.entries(given));
  const faults: string[] = [];
  for (const option of values.keys()) {
    if (!Object.hasOwn(rules, option)) faults.push(`unknown option "${option}"`);
  }
  for (const [option, rule] of Object.entries(rules)) {
    const value = values.get(option);
    if (value === undefined ? rule.isRequired !== true : rule.allows(value)) continue;
    faults.push(`${option} is ${describe(value)}, allowed is ${rule.says}`);
  }
  if (faults.length > 0) throw new InvalidOptionsError(subject, faults);
}

function describe(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
