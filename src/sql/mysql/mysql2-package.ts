/** The members of the package mysql2 that are used here; it is installed by those who want it. */
import { MissingDriverError } from "../../errors.ts";

/** What mysql2 gives back: rows, or a header that counts. */
export type Mysql2Answer = readonly Record<string, unknown>[] | { readonly affectedRows: number };
/** A column of an answer, by its number in the protocol. */
export interface Mysql2Field {
  readonly name: string;
  readonly columnType: number;
}
/** Called once. */
export type Mysql2Done = (
  error: unknown,
  answer: Mysql2Answer | undefined,
  fields: readonly Mysql2Field[] | undefined,
) => void;

/** A connection of mysql2's. */
export interface Mysql2Connection {
  connect(done: (error: unknown) => void): void;
  query(text: string, done: Mysql2Done): unknown;
  execute(text: string, values: readonly unknown[], done: Mysql2Done): unknown;
  on(event: "error" | "end", listener: (error?: unknown) => void): unknown;
  end(done: (error: unknown) => void): void;
  destroy(): void;
}
/** The package. */
export interface Mysql2 {
  createConnection(options: object): Mysql2Connection;
}

/** Loads it, or says what to install. */
export async function loadMysql2(load: () => Promise<unknown>): Promise<Mysql2> {
  try {
    const loaded = await load();
    if (isMysql2(loaded)) return loaded;
  } catch (error) {
    throw new MissingDriverError(
      "MySQL and MariaDB need the package mysql2: npm install mysql2@3",
      { cause: error },
    );
  }
  throw new MissingDriverError(
    "the installed mysql2 has no createConnection: npm install mysql2@3",
  );
}

function isMysql2(loaded: unknown): loaded is Mysql2 {
  return typeof loaded === "object" && loaded !== null && "createConnection" in loaded;
}
