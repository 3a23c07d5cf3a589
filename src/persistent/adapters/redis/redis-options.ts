/** Options of the adapter "redis", checked, and what they are for the client. */
import { InvalidOptionsError } from "../../../errors.ts";
import type { Log } from "../../../runtime.ts";

/** Options of the adapter "redis". Exactly one of `url` and `cluster`. */
export interface RedisOptions {
  /** "redis://user:password@host:port/number", or "rediss:" for TLS. */
  readonly url?: string;
  /** URLs of some nodes of a Redis Cluster; user and password are those of the first. */
  readonly cluster?: readonly string[];
  /** What all keys begin with: letters, digits and "_", ".", ":", "-". Default "skein:". */
  readonly prefix?: string;
  /** How long a connection may take, ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** A connection that owes an answer for so long is given up, ms. Default 15,000. */
  readonly silenceTimeoutMs?: number;
  /** The most calls that wait for an answer; more are refused. Default 5,000. */
  readonly callsMax?: number;
  readonly log?: Log;
}

/** With every default filled in. */
export interface CheckedRedisOptions {
  /** One node, or some of a cluster. */
  readonly nodes: readonly RedisNode[];
  readonly isCluster: boolean;
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly callsMax: number;
}

/** Where a server is, and how it is talked to. */
export interface RedisNode {
  /** For messages: without user and password. */
  readonly name: string;
  readonly options: NodeOptions;
}

/** The part of the client's options that a URL decides. */
interface NodeOptions {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly db?: number;
  readonly tls?: { readonly servername: string };
}

const KNOWN = [
  ...["url", "cluster", "prefix", "connectTimeoutMs", "silenceTimeoutMs", "callsMax", "log"],
];
const TIMEOUT_MS_MAX = 600_000;
const CALLS_MAX = 1_000_000;

/** @throws InvalidOptionsError with all faults; it never has the password */
export function checkRedisOptions(options: RedisOptions): CheckedRedisOptions {
  const faults = Object.keys(options)
    .filter((name) => !KNOWN.includes(name))
    .map((name) => `unknown option "${name}"`);
  const { url, cluster, prefix = "skein:" } = options;
  if ((url === undefined) === (cluster === undefined)) {
    faults.push("give exactly one of url and cluster");
  }
  if (cluster !== undefined && (!Array.isArray(cluster) || cluster.length === 0)) {
    faults.push("cluster is no list of URLs");
  }
  if (!/^[A-Za-z0-9_.:-]{0,64}$/.test(prefix)) {
    faults.push(`prefix is "${prefix}", allowed are up to 64 of A-Z, a-z, 0-9, "_", ".", ":", "-"`);
  }
  const number = (
    name: "connectTimeoutMs" | "silenceTimeoutMs" | "callsMax",
    otherwise: number,
  ) => {
    const given = options[name] ?? otherwise;
    const most = name === "callsMax" ? CALLS_MAX : TIMEOUT_MS_MAX;
    if (Number.isInteger(given) && given >= 1 && given <= most) return given;
    faults.push(`${name} is ${given}, allowed are integers from 1 to ${most}`);
    return otherwise;
  };
  const nodes: RedisNode[] = [];
  for (const each of Array.isArray(cluster) ? cluster : url === undefined ? [] : [url]) {
    const node = nodeOf(each);
    if (typeof node === "string") faults.push(node);
    else nodes.push(node);
  }
  const checked = {
    nodes,
    isCluster: cluster !== undefined,
    prefix,
    connectTimeoutMs: number("connectTimeoutMs", 5000),
    silenceTimeoutMs: number("silenceTimeoutMs", 15_000),
    callsMax: number("callsMax", 5000),
  };
  if (faults.length > 0) throw new InvalidOptionsError("redis", faults);
  return checked;
}

/** A node, or what is wrong with its URL. */
function nodeOf(text: unknown): RedisNode | string {
  const allowed = "allowed is redis://user:password@host:port/number or rediss://…";
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === "") {
    return `url is none; ${allowed}`;
  }
  if (!/^\/?\d{0,4}$/.test(url.pathname) || url.search !== "" || url.hash !== "") {
    return `url of ${url.host} has more than a number behind its host; ${allowed}`;
  }
  const port = url.port === "" ? 6379 : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const options = {
    host,
    port,
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
    ...(url.protocol === "rediss:" ? { tls: { servername: host } } : {}),
  };
  return { name: `${url.hostname}:${port}${url.pathname === "/" ? "" : url.pathname}`, options };
}
