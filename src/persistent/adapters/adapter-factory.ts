/** What makes adapters from a configuration: ours, and those that somebody else brings along. */
import { InvalidOptionsError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import type { StoreAdapter } from "../contract/driver.ts";

/** What an adapter is lent. */
export interface AdapterEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Names this process to others that want the same. */
  readonly holder: string;
  /** The connection's name in the configuration, for messages. */
  readonly connection: string;
}

/** Makes adapters of one kind. */
export interface AdapterFactory {
  /** What configurations call it. */
  readonly name: string;
  /** Whether it can be used without a connection of its own, as "memory" can. */
  readonly needsNoOptions?: boolean;
  /**
   * Makes one, which is opened afterwards.
   * @throws InvalidOptionsError with all that is wrong with the options
   */
  make(
    options: Readonly<Record<string, unknown>>,
    environment: AdapterEnvironment,
  ): StoreAdapter | Promise<StoreAdapter>;
}

/** @throws InvalidOptionsError for options that nobody knows */
export function checkNames(subject: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  const allowed = known.length === 0 ? "it has none" : `known are ${known.join(", ")}`;
  throw new InvalidOptionsError(
    subject,
    unknown.map((name) => `unknown option "${name}"; ${allowed}`),
  );
}
