/** Options of a node, their defaults, and one check that names all faults at once. */
import { hostname } from "node:os";
import { type ClusterTimings, checkClusterOptions } from "../cluster/cluster-options.ts";
import type { DiscoveryOptions } from "../discovery/options.ts";
import { InvalidOptionsError } from "../errors.ts";
import type { StoresConfiguration } from "../persistent/config/configuration.ts";
import { type Log, silentLog } from "../runtime.ts";
import { defaultLimits, type TablesLimits } from "../tables/limits.ts";

/** Where to listen. Port 0 takes a free one. */
export interface ListenOptions {
  /** Default "127.0.0.1". */
  readonly host?: string;
  /** Default 0. */
  readonly port?: number;
}

/** Certificates for links over TLS, PEM. With `ca` and `requestCert` both sides show one. */
export interface NodeTlsOptions {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly requestCert?: boolean;
}

/** How the nodes find one another: exactly one of its ways. See doc/discovery.md. */
export type NodeDiscoveryOptions = DiscoveryOptions;

/** Options of `startNode`. */
export interface NodeOptions {
  /** Nodes of other clusters never link. 1 to 255 bytes. */
  readonly cluster: string;
  /** Unique in the cluster. Default: host name and process id. */
  readonly name?: string;
  readonly listen?: ListenOptions;
  /** Where others dial this node, for example "ws://10.0.0.5:7400". Default: where it listens. */
  readonly advertise?: string;
  /** Required off loopback. Of several the first one signs and all are accepted. */
  readonly secret?: string | readonly string[];
  readonly discovery: NodeDiscoveryOptions;
  /** How many nodes the cluster has when it is whole; needed for `ack: "majority"`. */
  readonly clusterSize?: number;
  readonly tls?: NodeTlsOptions;
  /** A pino logger or anything like it. Default: no log. */
  readonly log?: Log;
  /** Persistent stores, which the node opens and closes: `node.stores`. See doc/stores.md. */
  readonly stores?: StoresConfiguration;
  readonly limits?: Partial<TablesLimits>;
  readonly timings?: Partial<ClusterTimings>;
  /**
   * Mask what dialled links send with zeros, which costs nothing: for private networks without
   * HTTP proxies. Default: only over TLS and to loopback addresses.
   */
  readonly zeroMask?: boolean;
  /**
   * What to do when the cluster has closed this incarnation. Default "restart": go on as a new
   * one. A node whose name a newer one has taken stops in any case: the two would fight for ever.
   */
  readonly onFenced?: "restart" | "stop";
}

/** With every default filled in. */
export interface CheckedNodeOptions {
  readonly cluster: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly advertise: string | undefined;
  readonly secrets: readonly string[];
  readonly discovery: NodeDiscoveryOptions;
  readonly clusterSize: number | undefined;
  readonly tls: NodeTlsOptions | undefined;
  readonly log: Log;
  readonly stores: StoresConfiguration | undefined;
  readonly limits: Partial<TablesLimits>;
  readonly timings: Partial<ClusterTimings>;
  readonly zeroMask: boolean | undefined;
  readonly onFenced: "restart" | "stop";
}

const KNOWN = new Set([
  "cluster",
  "name",
  "listen",
  "advertise",
  "secret",
  "discovery",
  "clusterSize",
  "tls",
  "log",
  "stores",
  "limits",
  "timings",
  "zeroMask",
  "onFenced",
]);
const PARTS = {
  listen: ["host", "port"],
  tls: ["cert", "key", "ca", "requestCert"],
};
const PORT_MAX = 65_535;
const CLUSTER_SIZE_MAX = 255;

/** Stands for what a node learns about itself only when it starts. */
const UNKNOWN_YET = { origin: 1, nodeNumber: 0, address: "ws://127.0.0.1:1" };

/** Throws InvalidOptionsError with every fault. Discovery and TLS check their own. */
export function checkNodeOptions(options: NodeOptions): CheckedNodeOptions {
  const faults: string[] = [];
  for (const option of Object.keys(options)) {
    if (!KNOWN.has(option)) faults.push(`unknown option "${option}"`);
  }
  faults.push(...unknownParts("listen", options.listen), ...unknownParts("tls", options.tls));
  const host = options.listen?.host ?? "127.0.0.1";
  const port = options.listen?.port ?? 0;
  const name = options.name ?? `${hostname()}-${process.pid}`;
  const secrets = secretsOf(options.secret, faults);
  if (!Number.isInteger(port) || port < 0 || port > PORT_MAX) {
    faults.push(`listen.port is ${String(port)}, allowed are 0 to ${PORT_MAX}`);
  }
  if (secrets.length === 0 && !isLoopback(host)) {
    faults.push(`listen.host "${host}" is not loopback, so a secret is required`);
  }
  if (typeof options.discovery !== "object" || options.discovery === null) {
    faults.push("discovery is missing; give one of url, file, nodes, dns and getNodes");
  }
  if (options.advertise !== undefined && !/^wss?:\/\/[^/\s]+$/.test(options.advertise)) {
    faults.push(`advertise is "${options.advertise}", allowed is ws://host:port or wss://…`);
  }
  faults.push(...clusterFaults(options, { name, secrets }));
  faults.push(...sizeFaults(options.clusterSize), ...limitFaults(options.limits ?? {}));
  if (options.onFenced !== undefined && !["restart", "stop"].includes(options.onFenced)) {
    faults.push(`onFenced is "${options.onFenced}", allowed are "restart" and "stop"`);
  }
  if (faults.length > 0) throw new InvalidOptionsError("node options", faults);
  return {
    cluster: options.cluster,
    name,
    host,
    port,
    advertise: options.advertise,
    secrets,
    discovery: options.discovery,
    clusterSize: options.clusterSize,
    tls: options.tls,
    log: options.log ?? silentLog,
    stores: options.stores,
    limits: options.limits ?? {},
    timings: options.timings ?? {},
    zeroMask: options.zeroMask,
    onFenced: options.onFenced ?? "restart",
  };
}

function unknownParts(option: "listen" | "tls", given: object | undefined): string[] {
  if (given === undefined) return [];
  if (typeof given !== "object" || given === null) return [`${option} is no object`];
  return Object.keys(given)
    .filter((part) => !PARTS[option].includes(part))
    .map((part) => `unknown option "${option}.${part}", known are ${PARTS[option].join(", ")}`);
}

/** The cluster checks its part again when it is made, but then the node listens already. */
function clusterFaults(
  { cluster, timings = {} }: NodeOptions,
  self: { readonly name: string; readonly secrets: readonly string[] },
): readonly string[] {
  try {
    checkClusterOptions({ cluster, ...self, ...UNKNOWN_YET, timings });
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.faults;
    throw error;
  }
}

function secretsOf(secret: NodeOptions["secret"], faults: string[]): readonly string[] {
  if (secret === undefined) return [];
  const secrets = typeof secret === "string" ? [secret] : secret;
  if (!Array.isArray(secrets) || secrets.some((one) => typeof one !== "string" || one === "")) {
    faults.push("secret is neither a string of at least one character nor a list of such");
    return [];
  }
  return secrets;
}

function sizeFaults(clusterSize: number | undefined): string[] {
  if (clusterSize === undefined) return [];
  if (Number.isInteger(clusterSize) && clusterSize >= 1 && clusterSize <= CLUSTER_SIZE_MAX)
    return [];
  return [`clusterSize is ${String(clusterSize)}, allowed are 1 to ${CLUSTER_SIZE_MAX}`];
}

function limitFaults(limits: Partial<TablesLimits>): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(defaultLimits, name)) faults.push(`unknown limit "${name}"`);
    else if (!Number.isSafeInteger(value) || value < 1) {
      faults.push(`limits.${name} is ${String(value)}, allowed are whole numbers from 1`);
    }
  }
  return faults;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
