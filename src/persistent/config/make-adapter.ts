/** Makes the adapter of a connection, which is opened afterwards. Loads what it is made of. */
import { UnsupportedError } from "../../errors.ts";
import type { AdapterEnvironment } from "../adapters/adapter-factory.ts";
import type { StoreAdapter } from "../contract/driver.ts";
import type { ConnectionSettings } from "./configuration.ts";

/** Under a prefix of its own, if the settings say so. */
export async function makeAdapter(
  settings: ConnectionSettings,
  environment: AdapterEnvironment,
): Promise<StoreAdapter> {
  const adapter = await makePlain(settings, environment);
  const prefix = "ephemeralPrefix" in settings ? settings.ephemeralPrefix : undefined;
  if (prefix === undefined) return adapter;
  const { EphemeralAdapter } = await import("../ephemeral/ephemeral-adapter.ts");
  return new EphemeralAdapter({ ...environment, adapter, prefix });
}

/** @throws InvalidOptionsError for options that only the adapter itself can judge */
async function makePlain(
  settings: ConnectionSettings,
  environment: AdapterEnvironment,
): Promise<StoreAdapter> {
  const { log, clock } = environment;
  switch (settings.adapter) {
    case "sql": {
      const { SqlAdapter } = await import("../adapters/sql/sql-adapter.ts");
      const { openConfiguredDatabase } = await import("./open-database.ts");
      const open = () => openConfiguredDatabase(settings, environment);
      return new SqlAdapter({ open, clock, tablePrefix: settings.tablePrefix });
    }
    case "file": {
      const { FileAdapter } = await import("../adapters/file/file-adapter.ts");
      return new FileAdapter({ folder: settings.folder, log });
    }
    case "redis": {
      const { RedisAdapter } = await import("../adapters/redis/redis-adapter.ts");
      const { url, isCluster, prefix } = settings;
      return new RedisAdapter({ ...(isCluster ? { cluster: [url] } : { url }), prefix, log });
    }
    case "memory": {
      const { MemoryAdapter } = await import("../adapters/memory/memory-adapter.ts");
      return new MemoryAdapter();
    }
    case "none": {
      const { NoneAdapter } = await import("../adapters/none/none-adapter.ts");
      return new NoneAdapter();
    }
    case "null": {
      const { NullAdapter } = await import("../adapters/null/null-adapter.ts");
      return new NullAdapter();
    }
    case "foreign":
      return settings.factory.make(settings.options, environment);
    default:
      throw new UnsupportedError(`there is no adapter ${JSON.stringify(settings)}`);
  }
}
