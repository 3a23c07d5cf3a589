/** Schemas of users, by the Standard Schema interface: checked where a value is written. */
import { InvalidValueError, type ValueIssue } from "./errors.ts";

/** Issues that go into a message. */
const ISSUES_SHOWN_MAX = 10;

/** The part of the Standard Schema interface, version 1, that is used. Validation must be sync. */
export interface StandardSchema<V = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<V> | Promise<SchemaResult<V>>;
  };
}

/** What validation gives: a value, which may differ from the one given, or issues. */
export type SchemaResult<V> =
  | { readonly value: V; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * The value as the schema gives it back.
 * @throws InvalidValueError with the issues
 */
export function checkSchema(schema: StandardSchema, value: unknown): unknown {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new InvalidValueError("the schema validates asynchronously; an answer is needed at once");
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(plainIssue);
  const shown = issues.slice(0, ISSUES_SHOWN_MAX).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`;
  });
  const more = issues.length > shown.length ? `; and ${issues.length - shown.length} more` : "";
  throw new InvalidValueError(`the schema refuses the value: ${shown.join("; ")}${more}`, {
    issues,
  });
}

function plainIssue({ message, path = [] }: SchemaIssue): ValueIssue {
  return { message, path: path.map((part) => (typeof part === "object" ? part.key : part)) };
}

/** Whether something has the interface. */
export function isSchema(given: unknown): given is StandardSchema {
  if ((typeof given !== "object" && typeof given !== "function") || given === null) return false;
  const standard: unknown = Reflect.get(given, "~standard");
  if (typeof standard !== "object" || standard === null) return false;
  return (
    Reflect.get(standard, "version") === 1 &&
    typeof Reflect.get(standard, "validate") === "function"
  );
}
