/** Chooses the backend that the options ask for. */
import { InvalidOptionsError } from "../errors.ts";
import type { Clock, Log, Random } from "../runtime.ts";
import type { DiscoveryBackend } from "./discovery.ts";
import { DnsDiscovery, type DnsResolver } from "./dns.ts";
import { FileDiscovery } from "./file.ts";
import { FunctionDiscovery } from "./function.ts";
import { checkDiscoveryOptions, type DiscoveryOptions } from "./options.ts";
import { RdbmsDiscovery } from "./rdbms/backend.ts";
import { PooledDriver } from "./rdbms/pooled-driver.ts";
import { StaticDiscovery } from "./static.ts";

/** What discovery needs of the outside world. */
export interface DiscoveryEnvironment {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Asks DNS. Default: Node's own resolver. */
  readonly resolver?: DnsResolver;
}

/** Nothing is opened or read before the first call of the backend's methods. */
export function createDiscovery(
  options: DiscoveryOptions,
  environment: DiscoveryEnvironment,
): DiscoveryBackend {
  const result = checkDiscoveryOptions(options);
  if ("faults" in result) throw new InvalidOptionsError("discovery", result.faults);
  const { checked } = result;
  const { clock, random, log, resolver } = environment;
  switch (checked.kind) {
    case "rdbms": {
      const { target, tableOptions } = checked;
      const driver = new PooledDriver({ target, tableOptions, clock, random, log });
      return new RdbmsDiscovery({ driver, clock, random, log, tableOptions });
    }
    case "file":
      return new FileDiscovery({ file: checked.file, clock, log });
    case "static":
      return new StaticDiscovery({ nodes: checked.nodes });
    case "dns":
      return new DnsDiscovery({
        dns: checked.dns,
        ...(resolver === undefined ? {} : { resolver }),
      });
    case "function":
      return new FunctionDiscovery({ getNodes: checked.getNodes });
    default:
      return checked satisfies never;
  }
}
