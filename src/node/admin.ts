/**
 * The admin port: what one node says about itself, over HTTP. GET /status answers with the
 * node's status as JSON, GET /health with 200 once the node is ready and 503 before and after.
 * Meant for this machine only (loopback by default); it reads, and never changes anything.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { UnavailableError } from "../errors.ts";
import type { NodeStatus } from "./status.ts";

/** Where the admin port is when nothing else is said. */
export const ADMIN_ADDRESS: { readonly host: string; readonly port: number } = {
  host: "127.0.0.1",
  port: 7401,
};

/** A request, its headers included, must be complete within this time. */
const REQUEST_TIMEOUT_MS = 5_000;
/** An idle connection is kept this long. */
const KEEP_ALIVE_MS = 5_000;
const HEADER_BYTES_MAX = 8 * 1024;
const CONNECTIONS_MAX = 64;

/** Where a node is in its life, as /health says it. Only "ready" is healthy. */
export type Phase = NodeStatus["state"] | "leaving";

/** The part of a node that the admin port reads. */
export interface AdminSource {
  /** Plain JSON. Holds no secret and no value of any row. */
  status(): object;
  phase(): Phase;
}

/** Where the admin port listens. */
export interface AdminAddress {
  /** Name or address. Off loopback everyone who reaches the port can read the status. */
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** An admin port that listens. */
export interface Admin {
  readonly url: string;
  /** Stops listening and cuts what is still connected. */
  close(): Promise<void>;
}

/** Starts the admin port; rejects with an UnavailableError when the address cannot be had. */
export async function startAdmin(source: AdminSource, address: AdminAddress): Promise<Admin> {
  const loopbackOnly = isLoopback(address.host);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => {
      if (loopbackOnly && !isLoopback(hostOf(request))) {
        // A web page whose name was pointed at this machine must not read the status.
        refuse(request, response, 421, "this port answers to names of this machine only");
      } else {
        answer(source, request, response);
      }
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  const port = await listen(server, address);
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, { host, port }: AdminAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const why = `the admin port cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new UnavailableError(why, { cause }));
    });
    server.listen({ host, port }, () => {
      const bound: AddressInfo | string | null = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

function answer(source: AdminSource, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return refuse(request, response, 405, "only GET and HEAD are answered here");
  }
  if (request.headers["transfer-encoding"] || (request.headers["content-length"] ?? "0") !== "0") {
    return refuse(request, response, 413, "a request here has no body");
  }
  const path = (request.url ?? "").split("?", 1)[0];
  if (path === "/status") {
    let status: string;
    try {
      status = JSON.stringify(source.status());
    } catch (error) {
      return send(response, 500, JSON.stringify({ error: String(error) }));
    }
    return send(response, 200, status);
  }
  if (path === "/health") {
    const phase = source.phase();
    return send(response, phase === "ready" ? 200 : 503, JSON.stringify({ phase }));
  }
  return refuse(request, response, 404, "there are /status and /health here");
}

/** Says no and closes: what else the client sends is not read. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  code: number,
  error: string,
): void {
  response.setHeader("connection", "close");
  send(response, code, JSON.stringify({ error }));
  request.resume();
}

function send(response: ServerResponse, code: number, body: string): void {
  response.writeHead(code, {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

/** The Host header without its port; "" when there is none. */
function hostOf(request: IncomingMessage): string {
  return (request.headers.host ?? "").replace(/:\d*$/, "").replace(/^\[(.*)\]$/, "$1");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
