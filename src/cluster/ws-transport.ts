/**
 * Links over WebSockets: one frame is one binary message. The only file that knows ws, and
 * the only one here that does IO. Whatever comes over a socket, nothing here throws.
 */
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocket, WebSocketServer } from "ws";
import { UnavailableError } from "../errors.ts";
import { type Log, silentLog } from "../runtime.ts";
import type {
  DialFailure,
  DialHandler,
  Link,
  LinkHandler,
  Listening,
  Transport,
} from "./transport.ts";
import { WsLink } from "./ws-link.ts";
import { type Masking, maskingFor } from "./ws-message.ts";

/** Certificates. With them the transport listens on wss:// and dials wss:// addresses. */
export interface WsTlsOptions {
  /** This node's certificate chain and key, PEM; shown to peers in both directions. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  /** Who may sign the peers' certificates, PEM. Default: the authorities known to Node. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** Mutual TLS: refuse peers that show no certificate signed by `ca`. Default false. */
  readonly requestCert?: boolean;
  /** The name that a dialled node's certificate must bear. Default: the host dialled. */
  readonly servername?: string;
}

/** Where and how to listen and dial. */
export interface WsTransportOptions {
  /** Address of a network interface, for example "127.0.0.1". */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: WsTlsOptions;
  /** A larger message closes its link, bytes. Default 16777216 (16 MiB). */
  readonly maxFrameBytes?: number;
  /** TCP, TLS and the HTTP upgrade take at most this, ms. Default 5000. */
  readonly handshakeMs?: number;
  /** Open sockets of the listener; further ones are closed at once. Default 4096. */
  readonly maxConnections?: number;
  /**
   * Mask what the dialling end sends with zeros, which costs nothing. The mask guards proxies
   * between the nodes that take what they carry for HTTP. Default: only over TLS, which no proxy
   * can read, and to this machine's loopback addresses.
   */
  readonly zeroMask?: boolean | undefined;
  /** Default: drops everything. */
  readonly log?: Log;
}

/** After a closing frame the socket is given this long to end, ms. */
const CLOSE_MS = 2000;
/** Pieces that one message may come in. */
const FRAGMENTS_MAX = 1024;
const HEADER_BYTES_MAX = 8192;
const ONLY_UPGRADES = "This port speaks WebSocket only.\n";

export class WsTransport implements Transport {
  readonly #options: Required<Omit<WsTransportOptions, "tls">>;
  readonly #tls: WsTlsOptions | undefined;
  /** One for each link that is closed but not flushed yet. */
  readonly #flushing = new Set<Promise<void>>();
  #server: Server | undefined;

  constructor(options: WsTransportOptions) {
    const { tls, ...rest } = options;
    this.#tls = tls;
    this.#options = {
      maxFrameBytes: 16 * 1024 * 1024,
      handshakeMs: 5000,
      maxConnections: 4096,
      zeroMask: undefined,
      log: silentLog,
      ...rest,
    };
  }

  /** Rejects with UnavailableError, for example when the port is taken. */
  listen(accept: (link: Link) => LinkHandler): Promise<Listening> {
    const { host, port } = this.#options;
    if (this.#server !== undefined) {
      return Promise.reject(new UnavailableError(`already listening on ${host}:${port}`));
    }
    const server = this.#makeServer(accept);
    this.#server = server;
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        this.#server = undefined;
        reject(
          new UnavailableError(`cannot listen on ${host}:${port}: ${cause.message}`, { cause }),
        );
      };
      server.once("error", failed);
      server.listen(port, host, () => {
        server.off("error", failed);
        server.on("error", (err) => this.#warn("listener-error", err));
        const bound = server.address();
        const realPort = bound === null || typeof bound === "string" ? port : bound.port;
        const scheme = this.#tls === undefined ? "ws" : "wss";
        resolve({ address: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${realPort}` });
      });
    });
  }

  dial(address: string, handler: DialHandler): { abort(): void } {
    let isSettled = false;
    const settle = (then: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      then();
    };
    let ws: WebSocket;
    let masking: Masking;
    try {
      masking = maskingFor(address, this.#options.zeroMask);
      ws = new WebSocket(address, this.#dialOptions(masking));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      setImmediate(() => settle(() => handler.failed("invalid", message)));
      return { abort: () => settle(() => {}) };
    }
    let socket: Socket | undefined;
    ws.on("upgrade", (response) => {
      socket = response.socket;
    });
    ws.on("error", (error) => settle(() => handler.failed(dialFailureOf(error), error.message)));
    ws.on("close", () => settle(() => handler.failed("unreachable", "closed while opening")));
    ws.on("open", () => {
      settle(() => {
        const link = this.#link(ws, socket, masking);
        link.attach(handler.opened(link));
      });
    });
    return {
      abort() {
        settle(() => ws.terminate());
      },
    };
  }

  /**
   * Stops listening. Links that are open stay open, half-made ones are cut, and those closed
   * with flush are waited for: 2 s at most.
   */
  async close(): Promise<void> {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
    await Promise.all(this.#flushing);
  }

  #link(ws: WebSocket, socket: Socket | undefined, masking: Masking): WsLink {
    const { log } = this.#options;
    const remote = remoteOf(socket);
    return new WsLink({ ws, socket, remote, masking, log, flushing: this.#flushing });
  }

  #makeServer(accept: (link: Link) => LinkHandler): Server {
    const { handshakeMs, maxConnections } = this.#options;
    const limits = {
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      connectionsCheckingInterval: Math.max(50, Math.min(1000, handshakeMs / 4)),
      keepAliveTimeout: 1000,
      maxHeaderSize: HEADER_BYTES_MAX,
    };
    const server =
      this.#tls === undefined
        ? createServer(limits)
        : createTlsServer({ ...limits, handshakeTimeout: handshakeMs, ...serverTls(this.#tls) });
    server.maxConnections = maxConnections;
    const upgrades = new WebSocketServer({ ...this.#wsOptions(), noServer: true });
    // Unheard, ws would answer by itself; either way the socket must end.
    upgrades.on("wsClientError", (_error, socket) => socket.destroy());
    server.on("request", (_request, response) => {
      response.writeHead(426, {
        "Content-Type": "text/plain",
        Connection: "Upgrade, close",
        Upgrade: "websocket",
      });
      response.end(ONLY_UPGRADES);
    });
    server.on("clientError", (_error, socket) => socket.destroy());
    server.on("upgrade", (request, socket, head) => {
      socket.on("error", () => socket.destroy());
      // Browsers always send it, nodes never: a web page must not reach a node on loopback.
      if (request.headers.origin !== undefined) return forbid(socket);
      upgrades.handleUpgrade(request, socket, head, (ws) => {
        const link = this.#link(ws, request.socket, "none");
        link.attach(accept(link));
      });
    });
    return server;
  }

  #wsOptions() {
    return {
      perMessageDeflate: false,
      maxPayload: this.#options.maxFrameBytes,
      maxFragments: FRAGMENTS_MAX,
      skipUTF8Validation: true,
      clientTracking: false,
      closeTimeout: CLOSE_MS,
    };
  }

  #dialOptions(masking: Masking) {
    const options = {
      ...this.#wsOptions(),
      handshakeTimeout: this.#options.handshakeMs,
      followRedirects: false,
      ...(this.#tls === undefined ? {} : clientTls(this.#tls)),
    };
    return masking === "zero" ? { ...options, generateMask: zeroMask } : options;
  }

  #warn(event: string, err: unknown): void {
    this.#options.log.warn({ event, err }, "trouble with the listening socket");
  }
}

/** The buffer that ws hands in is reused, so it must be written each time. */
function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

function serverTls(tls: WsTlsOptions) {
  const { servername: _, ...rest } = certificatesOf(tls);
  const requestCert = tls.requestCert ?? false;
  return { ...rest, requestCert, rejectUnauthorized: requestCert };
}

function clientTls(tls: WsTlsOptions) {
  return { ...certificatesOf(tls), rejectUnauthorized: true };
}

/** In the form that node:tls takes: Buffers, and nothing that is undefined. */
function certificatesOf({ cert, key, passphrase, ca, servername }: WsTlsOptions) {
  return {
    ...(cert === undefined ? {} : { cert: pemOf(cert) }),
    ...(key === undefined ? {} : { key: pemOf(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ca === undefined ? {} : { ca: isPem(ca) ? pemOf(ca) : ca.map(pemOf) }),
    ...(servername === undefined ? {} : { servername }),
  };
}

function isPem(
  ca: string | Uint8Array | readonly (string | Uint8Array)[],
): ca is string | Uint8Array {
  return typeof ca === "string" || ca instanceof Uint8Array;
}

function pemOf(pem: string | Uint8Array): string | Buffer {
  return typeof pem === "string" ? pem : Buffer.from(pem);
}

function forbid(socket: Duplex): void {
  const answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  socket.end(answer, () => socket.destroy());
}

function remoteOf(socket: Socket | TLSSocket | undefined): string {
  const host = socket?.remoteAddress?.replace(/^::ffff:/, "");
  if (host === undefined) return "unknown";
  return `${host.includes(":") ? `[${host}]` : host}:${socket?.remotePort}`;
}

/** What an error while dialling says about the host. */
function dialFailureOf(error: Error): DialFailure {
  const code = "code" in error ? error.code : undefined;
  if (code === "ECONNREFUSED") return "refused";
  if (code === "ETIMEDOUT" || error.message.includes("handshake has timed out")) return "timeout";
  if (typeof code === "string" && UNREACHABLE.has(code)) return "unreachable";
  // No WebSocket there, or a certificate that is not trusted: somebody answered, wrongly.
  return "invalid";
}

const UNREACHABLE: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "EMFILE",
  "ENFILE",
]);
