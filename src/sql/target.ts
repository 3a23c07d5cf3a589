/**
 * Reads the address of a database. Faults never repeat what was given, apart from the scheme:
 * a URL holds a password, and one with a slip in it may hold it anywhere.
 */

import type { SqliteDriverName } from "./sqlite/sqlite-package.ts";

/**
 * How the connection is protected, as PostgreSQL names it: `allow` and `prefer` take what they can
 * get and protect from nobody who can change what is sent; `require` encrypts; `verify-ca` also
 * checks who signed the server's certificate; `verify-full` also the name in it.
 */
export type TlsMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** A server and a database on it. */
export interface ServerTarget {
  readonly dialect: "postgres" | "mysql" | "cockroach";
  /** A host, or the folder (PostgreSQL) or file (MySQL) of a Unix socket, which begins with /. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** File with the certificates to trust. Default: those of Node.js. */
  readonly caFile?: string;
  /** File with this client's certificate, and the one with its key: both or none. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** A file of SQLite's. */
export interface FileTarget {
  readonly dialect: "sqlite";
  readonly path: string;
  /** The package that opens it. Default "libsql". */
  readonly driver?: SqliteDriverName;
}

export type DatabaseTarget = ServerTarget | FileTarget;

/** What a URL was found to be: a target if there are no faults. */
export interface ParsedUrl {
  readonly target?: DatabaseTarget;
  readonly faults: readonly string[];
}

const SERVER_SCHEMES = new Map<string, { dialect: ServerTarget["dialect"]; port: number }>([
  ["postgres:", { dialect: "postgres", port: 5432 }],
  ["postgresql:", { dialect: "postgres", port: 5432 }],
  ["mysql:", { dialect: "mysql", port: 3306 }],
  ["mariadb:", { dialect: "mysql", port: 3306 }],
  ["cockroachdb:", { dialect: "cockroach", port: 26257 }],
]);
const SCHEMES = "sqlite:PATH, postgres://, postgresql://, mysql://, mariadb://, cockroachdb://";
/** All levels of `sslmode`, the weakest first. */
export const TLS_MODES = [
  "disable",
  "allow",
  "prefer",
  "require",
  "verify-ca",
  "verify-full",
] as const satisfies readonly TlsMode[];
const PARAMETERS: readonly string[] = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/** Reads a URL without connecting or looking at any file. */
export function parseDatabaseUrl(url: unknown): ParsedUrl {
  if (typeof url !== "string" || url === "") {
    return {
      faults: [`url: is ${url === "" ? "empty" : `of type ${typeof url}`}, allowed is a string`],
    };
  }
  if (url.startsWith("sqlite:")) return parseSqlite(url.slice("sqlite:".length));
  const scheme = /^[a-z][a-z0-9+.-]{0,20}:(?=\/\/)/i.exec(url)?.[0].toLowerCase();
  if (scheme === undefined) return { faults: [`url: has no known scheme, allowed are ${SCHEMES}`] };
  const server = SERVER_SCHEMES.get(scheme);
  if (server === undefined) {
    return { faults: [`url: has the scheme ${scheme}//, allowed are ${SCHEMES}`] };
  }
  return parseServer(url, server);
}

/** Names a target in messages: everything but user and password. */
export function targetName(target: ServerTarget): string {
  const host = target.host.includes(":") ? `[${target.host}]` : target.host;
  return `${host}:${target.port}/${target.database}`;
}

function parseSqlite(rest: string): ParsedUrl {
  // sqlite:///var/lib/x is the same file as sqlite:/var/lib/x; sqlite://x would name a host.
  const path = rest.startsWith("///") ? rest.slice(2) : rest;
  const fault =
    path === ""
      ? "url: sqlite: names no file, allowed is sqlite:/path or sqlite:relative/path"
      : path.startsWith("//")
        ? "url: sqlite:// is followed by a host, allowed is sqlite:/path or sqlite:relative/path"
        : path.startsWith(":memory:") || path.startsWith("file:")
          ? "url: sqlite: must name a file, as a database in memory is not shared between nodes"
          : /[?#\0]/.test(path)
            ? "url: sqlite: is followed by a path that has ? or # in it, allowed is a plain path"
            : undefined;
  if (fault !== undefined) return { faults: [fault] };
  return { target: { dialect: "sqlite", path }, faults: [] };
}

function parseServer(
  text: string,
  server: { readonly dialect: ServerTarget["dialect"]; readonly port: number },
): ParsedUrl {
  const parts = split(text);
  if (parts === undefined) {
    return {
      faults: [
        "url: is not a URL of the form scheme://user:password@host:port/database; special " +
          "characters in user and password must be percent-encoded",
      ],
    };
  }
  const { user, password, database, parameters } = parts;
  const faults: string[] = [];
  const host = parameters.get("host") ?? parts.host;
  if (host === "") faults.push("url: names no host");
  if (parameters.has("host") && !host.startsWith("/")) {
    faults.push("url: the parameter host is for the path of a Unix socket, which begins with /");
  }
  if (user === "") faults.push("url: names no user");
  if (database === "" || database.includes("/")) {
    faults.push("url: must name one database behind the host: /database");
  }
  for (const name of parameters.keys()) {
    if (PARAMETERS.includes(name)) continue;
    faults.push(`url: has a parameter that is not known, allowed are ${PARAMETERS.join(", ")}`);
  }
  const tls = parameters.get("sslmode") ?? "disable";
  if (!isTlsMode(tls)) {
    faults.push(`url: has a sslmode that is not known, allowed are ${TLS_MODES.join(", ")}`);
  }
  const caFile = parameters.get("sslrootcert");
  if (caFile !== undefined && tls !== "verify-full" && tls !== "verify-ca") {
    faults.push("url: sslrootcert is of no use without sslmode=verify-full or verify-ca");
  }
  const certFile = parameters.get("sslcert");
  const keyFile = parameters.get("sslkey");
  if ((certFile === undefined) !== (keyFile === undefined)) {
    faults.push("url: sslcert and sslkey are given together or not at all");
  }
  if (certFile !== undefined && tls === "disable") {
    faults.push("url: sslcert is of no use with sslmode=disable, which is the default");
  }
  if (faults.length > 0 || !isTlsMode(tls)) return { faults };
  return {
    target: {
      dialect: server.dialect,
      host,
      port: parts.port ?? server.port,
      user,
      ...(password === "" ? {} : { password }),
      database,
      tls,
      ...(caFile === undefined ? {} : { caFile }),
      ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
    },
    faults,
  };
}

/** The parts of a URL, decoded; undefined if it is none. Node's own error would show it all. */
function split(text: string) {
  try {
    const url = new URL(text);
    if (url.hash !== "") return undefined;
    return {
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? undefined : Number(url.port),
      database: decodeURIComponent(url.pathname.slice(1)),
      parameters: new Map(url.searchParams),
    };
  } catch {
    return undefined;
  }
}

function isTlsMode(text: string): text is TlsMode {
  return TLS_MODES.some((mode) => mode === text);
}
