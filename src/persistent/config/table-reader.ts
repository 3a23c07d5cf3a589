/** Reads one table of a configuration and collects what is wrong with it, secrets left out. */

import type { AdapterFactory } from "../adapters/adapter-factory.ts";

/** Where secrets and other values come from. */
export interface ConfigurationSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a small file as text; rejects if it cannot be read. */
  readFile(path: string): Promise<string>;
  /** Adapters that a program brings along. */
  readonly adapters?: readonly AdapterFactory[];
}

/** Text that is longer is no name or path. */
const TEXT_MAX = 4096;

/** See the head of this file. */
export class TableReader {
  readonly path: string;
  readonly faults: string[];
  /** The keys and values as they were given. */
  #given: Readonly<Record<string, unknown>> | undefined;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, value: unknown, faults: string[]) {
    this.path = path;
    this.faults = faults;
    if (isTable(value)) this.#values = value;
    else {
      this.#values = {};
      this.fault("", `is ${kindOf(value)}, allowed is a table`);
    }
  }

  /** One whose keys are options: `tablePrefix`, as a program writes it, is `table_prefix`. */
  static ofOptions(path: string, value: unknown, faults: string[]): TableReader {
    if (!isTable(value)) return new TableReader(path, value, faults);
    const entries = Object.entries(value).map(([key, each]) => [inSnakeCase(key), each] as const);
    const options = new TableReader(path, Object.fromEntries(entries), faults);
    options.#given = value;
    const twice = entries.find(([key], at) => entries.findIndex(([other]) => other === key) < at);
    if (twice !== undefined) options.fault(twice[0], "is given in both ways of writing it");
    return options;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#values);
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined;
  }

  value(key: string): unknown {
    return this.#values[key];
  }

  /** All but those keys, as they were given. */
  rest(keys: readonly string[]): Readonly<Record<string, unknown>> {
    const given = Object.entries(this.#given ?? this.#values);
    return Object.fromEntries(given.filter(([key]) => !keys.includes(key)));
  }

  fault(key: string, text: string): void {
    const at = [this.path, key].filter((part) => part !== "").join(".");
    this.faults.push(at === "" ? text : `${at}: ${text}`);
  }

  /** Says which keys are not known. */
  allow(known: readonly string[]): void {
    for (const key of this.keys) {
      if (!known.includes(key)) this.fault(key, `is not known, allowed are ${known.join(", ")}`);
    }
  }

  /** Never repeats what was given: it may be a secret at the wrong place. */
  text(key: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    if (typeof value === "string" && value !== "" && value.length <= TEXT_MAX) return value;
    const given = value === "" ? "empty" : kindOf(value);
    this.fault(key, `is ${given}, allowed is a text of up to ${TEXT_MAX} characters`);
    return undefined;
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const value = this.text(key);
    const found = allowed.find((each) => each === value);
    if (value !== undefined && found === undefined) {
      this.fault(key, `is not known, allowed are ${allowed.join(", ")}`);
    }
    return found;
  }

  integer(key: string, least: number, most: number): number | undefined {
    const value = this.#values[key];
    if (value === undefined) return undefined;
    const number = typeof value === "bigint" ? Number(value) : value;
    if (
      typeof number === "number" &&
      Number.isInteger(number) &&
      number >= least &&
      number <= most
    ) {
      return number;
    }
    const given = typeof number === "number" ? String(number) : kindOf(value);
    this.fault(key, `is ${given}, allowed is ${least} to ${most}`);
    return undefined;
  }

  /** A value that may be given by itself, by the path of a file, or by the name of a variable. */
  async secret(key: string, sources: ConfigurationSources): Promise<string | undefined> {
    const given = [key, `${key}_file`, `${key}_env`].filter((each) => this.has(each));
    if (given.length > 1) this.fault(key, `is given ${given.length} times: as ${given.join(", ")}`);
    if (this.has(key)) return this.text(key);
    const file = this.text(`${key}_file`);
    if (file !== undefined) return this.#fromFile(key, file, sources);
    const variable = this.text(`${key}_env`);
    if (variable === undefined) return undefined;
    const value = sources.env[variable];
    if (value !== undefined && value !== "") return value;
    this.fault(
      `${key}_env`,
      `names the variable ${variable}, which is ${value === "" ? "empty" : "not set"}`,
    );
    return undefined;
  }

  async #fromFile(key: string, file: string, sources: ConfigurationSources) {
    try {
      const content = (await sources.readFile(file)).replace(/\r?\n$/, "");
      if (content !== "") return content;
      this.fault(`${key}_file`, `names ${file}, which is empty`);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.fault(`${key}_file`, `names ${file}, which cannot be read: ${reason}`);
    }
    return undefined;
  }
}

function inSnakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A table of TOML's, or a plain object. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a value is, without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return `of type ${typeof value}`;
}
