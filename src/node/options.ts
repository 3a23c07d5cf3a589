/** Options of a node, their defaults, and one check that names all faults at once. */
import { hostname } from "node:os";
import type { ClusterTimings } from "../cluster/cluster-options.ts";
import { InvalidOptionsError } from "../errors.ts";
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

/** How the nodes find one another: exactly one of these. See doc/discovery.md. */
export type NodeDiscoveryOptions = Readonly<Record<string, unknown>>;

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
  readonly limits?: Partial<TablesLimits>;
  readonly timings?: Partial<ClusterTimings>;
  /** Send unmasked bytes on dialled links: quicker for large frames, private networks only. */
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
  readonly limits: Partial<TablesLimits>;
  readonly timings: Partial<ClusterTimings>;
  readonly zeroMask: boolean;
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
  "limits",
  "timings",
  "zeroMask",
  "onFenced",
]);
const PORT_MAX = 65_535;
const CLUSTER_SIZE_MAX = 255;

/** Throws InvalidOptionsError with every fault. Discovery, cluster and TLS check their own. */
export function checkNodeOptions(options: NodeOptions): CheckedNodeOptions {
  const faults: string[] = [];
  for (const option of Object.keys(options)) {
    if (!KNOWN.has(option)) faults.push(`unknown option "${option}"`);
  }
  const host = options.listen?.host ?? "127.0.0.1";
  const port = options.listen?.port ?? 0;
  const secrets = secretsOf(options.secret, faults);
  if (typeof options.cluster !== "string") {
    faults.push(`cluster is ${String(options.cluster)}, not a string`);
  }
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
  faults.push(...sizeFaults(options.clusterSize), ...limitFaults(options.limits ?? {}));
  if (options.onFenced !== undefined && !["restart", "stop"].includes(options.onFenced)) {
    faults.push(`onFenced is "${options.onFenced}", allowed are "restart" and "stop"`);
  }
  if (faults.length > 0) throw new InvalidOptionsError("node options", faults);
  return {
    cluster: options.cluster,
    name: options.name ?? `${hostname()}-${process.pid}`,
    host,
    port,
    advertise: options.advertise,
    secrets,
    discovery: options.discovery,
    clusterSize: options.clusterSize,
    tls: options.tls,
    log: options.log ?? silentLog,
    limits: options.limits ?? {},
    timings: options.timings ?? {},
    zeroMask: options.zeroMask ?? false,
    onFenced: options.onFenced ?? "restart",
  };
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
