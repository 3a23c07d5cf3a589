/** Opens a back end by the name of its connection in a configuration. */
import { InvalidOptionsError } from "../../errors.ts";
import { SqlAdapter } from "../adapters/sql/sql-adapter.ts";
import type { ConnectionSettings } from "../config/configuration.ts";
import { makeAdapter } from "../config/make-adapter.ts";
import { readConfiguration } from "../config/read-configuration.ts";
import type { ConfigurationSources } from "../config/table-reader.ts";
import type { Budget, StoreAdapter } from "../contract/driver.ts";
import { STORE_PREFIX } from "../migrations/store-migrations.ts";
import {
  type OpenedStores,
  type OpenSurroundings,
  openByUrl,
  redisSubject,
  STORE_URLS,
} from "./open-by-url.ts";

/** Where names of connections are looked up. */
export interface NamedBackEnds extends ConfigurationSources {
  /** The table [persistent]; undefined: there is no configuration, and URLs alone are allowed. */
  readonly table: unknown;
  /** Names this process to others that want the same prefix. */
  readonly holder: string;
}

const BUDGET: Budget = { timeoutMs: 30_000, signal: undefined };

/**
 * Opens a back end by a URL or, with a configuration, by a name.
 * @throws InvalidOptionsError for a name that is not there, or of what keeps nothing
 */
export async function openBackEnd(
  given: string,
  named: NamedBackEnds,
  surroundings: OpenSurroundings,
): Promise<OpenedStores> {
  // A URL has a colon, and no name of a connection has.
  if (named.table === undefined || given.includes(":")) return openByUrl(given, surroundings);
  const { connections } = await readConfiguration(named.table, named);
  const settings = connections.get(given);
  const lasting = [...connections].filter(([, each]) => isLasting(each)).map(([name]) => name);
  if (settings === undefined || !isLasting(settings)) {
    const what =
      settings === undefined
        ? "is no connection of the configuration"
        : `is of the adapter ${settings.adapter}, which keeps nothing for another process`;
    throw new InvalidOptionsError("stores", [
      `${JSON.stringify(given.slice(0, 80))} ${what}; allowed are ${lasting.join(", ") || "none"}, ` +
        `and URLs: ${STORE_URLS}`,
    ]);
  }
  const adapter = await makeAdapter(settings, {
    ...surroundings,
    connection: given,
    holder: named.holder,
  });
  try {
    await adapter.open(BUDGET);
    return { adapter, subject: subjectOf(settings, adapter, given) };
  } catch (error) {
    await adapter.close();
    throw error;
  }
}

function isLasting({ adapter }: ConnectionSettings): boolean {
  return adapter !== "memory" && adapter !== "none" && adapter !== "null";
}

/** The same as by a URL, so that a copy that was interrupted goes on whichever way it is named. */
function subjectOf(settings: ConnectionSettings, adapter: StoreAdapter, name: string): string {
  switch (settings.adapter) {
    case "sql": {
      const prefix = settings.ephemeralPrefix ?? settings.tablePrefix;
      if (!(adapter instanceof SqlAdapter)) return `the connection ${name}, prefix ${prefix}`;
      const { subject } = adapter.database;
      return prefix === STORE_PREFIX ? subject : `${subject}, tables ${prefix}`;
    }
    case "file":
      return `files in ${settings.folder}`;
    case "redis":
      return `${redisSubject(settings.url)}, ${settings.ephemeralPrefix ?? settings.prefix}`;
    default:
      return `the connection ${name}`;
  }
}
