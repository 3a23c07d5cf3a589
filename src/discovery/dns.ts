/**
 * Addresses from DNS: all A and AAAA records of a name with one port for all, or SRV records
 * with a port each. Fit for headless services of Kubernetes.
 */
import { Resolver } from "node:dns/promises";
import { InvalidOptionsError, UnavailableError } from "../errors.ts";
import { ADDRESSES_MAX } from "./address.ts";
import type { DiscoveredNode, DiscoveryBackend } from "./discovery.ts";

/** What is asked of DNS. Exactly one of `host` and `srv` must be given. */
export interface DnsOptions {
  /** A name with A or AAAA records, complete: search domains are not tried. */
  readonly host?: string;
  /** The port of all nodes; required with `host`, refused with `srv`. */
  readonly port?: number;
  /** A name with SRV records, for example "_skein._tcp.example.com". */
  readonly srv?: string;
  /** What the addresses begin with. Default "ws". */
  readonly scheme?: "ws" | "wss";
  /** Only A (4) or only AAAA (6) records. Default: both. */
  readonly family?: 4 | 6;
  /** DNS servers to ask, as "address" or "address:port". Default: the system's. */
  readonly servers?: readonly string[];
}

/** The members of Node's Resolver that are used here. */
export interface DnsResolver {
  resolve4(host: string): Promise<string[]>;
  resolve6(host: string): Promise<string[]>;
  resolveSrv(host: string): Promise<{ name: string; port: number }[]>;
  cancel(): void;
}

/** One attempt and a second one fit into a query's time-out. */
const ATTEMPT_TIMEOUT_MS = 1500;
const ATTEMPTS = 2;
const SERVERS_MAX = 16;
const KEYS: readonly string[] = ["host", "port", "srv", "scheme", "family", "servers"];

/** A name without records is an answer without nodes: the first node of a service sees none. */
export class DnsDiscovery implements DiscoveryBackend {
  readonly kind = "dns";
  readonly #dns: DnsOptions;
  readonly #resolver: DnsResolver;

  constructor(options: { readonly dns: DnsOptions; readonly resolver?: DnsResolver }) {
    const faults = dnsFaults(options.dns);
    if (faults.length > 0) throw new InvalidOptionsError("discovery", faults);
    this.#dns = options.dns;
    this.#resolver = options.resolver ?? systemResolver(options.dns.servers);
  }

  async getNodes(): Promise<readonly DiscoveredNode[]> {
    const { srv, host = "", port = 0 } = this.#dns;
    const found =
      srv === undefined
        ? (await this.#hosts(host)).map((ip) => this.#address(ip, port))
        : (await this.#resolver.resolveSrv(srv).catch((error) => noRecords(error, srv))).map(
            (record) => this.#address(record.name, record.port),
          );
    const addresses = new Set(found);
    if (addresses.size > ADDRESSES_MAX) {
      throw new UnavailableError(
        `DNS gave ${addresses.size} addresses for ${srv ?? host}, at most ${ADDRESSES_MAX}`,
      );
    }
    return [...addresses].map((address) => ({ address }));
  }

  async leave(): Promise<void> {
    await this.close();
  }

  async close(): Promise<void> {
    this.#resolver.cancel();
  }

  /** Both families at once. One of them may fail if the other has an answer. */
  async #hosts(host: string): Promise<string[]> {
    const { family } = this.#dns;
    const results = await Promise.allSettled([
      family === 6 ? [] : this.#resolver.resolve4(host).catch((error) => noRecords(error, host)),
      family === 4 ? [] : this.#resolver.resolve6(host).catch((error) => noRecords(error, host)),
    ]);
    const found = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    const failed = results.find((result) => result.status === "rejected");
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    return found;
  }

  #address(host: string, port: number): string {
    const { scheme = "ws" } = this.#dns;
    return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }
}

/** What is wrong with the options of DNS, one sentence each. */
export function dnsFaults(dns: unknown): string[] {
  if (typeof dns !== "object" || dns === null) {
    return [`dns: is of type ${dns === null ? "null" : typeof dns}, allowed is an object`];
  }
  const given = new Map<string, unknown>(
    Object.entries(dns).filter(([, value]) => value !== undefined),
  );
  const faults: string[] = [];
  for (const key of given.keys()) {
    if (!KEYS.includes(key))
      faults.push(`dns.${key}: is not known, allowed are ${KEYS.join(", ")}`);
  }
  if (given.has("host") === given.has("srv")) {
    faults.push(`dns: has ${given.has("host") ? "both" : "neither"} of host and srv, give one`);
  }
  for (const key of ["host", "srv"]) {
    const name = given.get(key);
    if (name === undefined) continue;
    if (typeof name !== "string" || !/^[\w-]+(\.[\w-]+)*\.?$/.test(name) || name.length > 253) {
      faults.push(`dns.${key}: is ${JSON.stringify(name)}, allowed is a name of DNS`);
    }
  }
  const port = given.get("port");
  if (
    given.has("host") &&
    !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535)
  ) {
    faults.push(`dns.port: is ${String(port)}, allowed with host is 1 to 65535`);
  }
  if (given.has("srv") && given.has("port")) faults.push("dns.port: is part of SRV records");
  if (given.has("srv") && given.has("family")) faults.push("dns.family: is of no use with srv");
  const scheme = given.get("scheme") ?? "ws";
  if (scheme !== "ws" && scheme !== "wss") {
    faults.push(`dns.scheme: is ${JSON.stringify(scheme)}, allowed are ws and wss`);
  }
  const family = given.get("family") ?? 4;
  if (family !== 4 && family !== 6) {
    faults.push(`dns.family: is ${JSON.stringify(family)}, allowed are 4 and 6`);
  }
  faults.push(...serverFaults(given.get("servers")));
  return faults;
}

function serverFaults(servers: unknown): string[] {
  if (servers === undefined) return [];
  const allowed = `allowed are 1 to ${SERVERS_MAX} IP addresses, with a port or without`;
  if (!Array.isArray(servers) || servers.length === 0 || servers.length > SERVERS_MAX) {
    return [`dns.servers: is no list of servers, ${allowed}`];
  }
  try {
    new Resolver().setServers(servers);
    return [];
  } catch {
    return [`dns.servers: holds what is no IP address, ${allowed}`];
  }
}

function systemResolver(servers: readonly string[] | undefined): DnsResolver {
  const resolver = new Resolver({ timeout: ATTEMPT_TIMEOUT_MS, tries: ATTEMPTS });
  if (servers !== undefined) resolver.setServers(servers);
  return resolver;
}

function noRecords(error: unknown, name: string): never[] {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  if (code === "ENODATA" || code === "ENOTFOUND") return [];
  throw new UnavailableError(`DNS did not answer for ${name}: ${String(code)}`, { cause: error });
}
