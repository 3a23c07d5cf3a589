/** One WebSocket as a Link. Frames sent in one turn of the event loop leave in one write. */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Log } from "../runtime.ts";
import type { Link, LinkHandler } from "./transport.ts";
import { type Masking, WsMessages } from "./ws-message.ts";

/** Close codes of RFC 6455. */
const NORMAL = 1000;
const UNSUPPORTED = 1003;
/** What fits into a closing frame besides its code. */
const REASON_BYTES_MAX = 123;
const BINARY = { binary: true, compress: false } as const;

/** What a WsLink is made of. */
export interface WsLinkParts {
  readonly ws: WebSocket;
  readonly socket: Socket | undefined;
  readonly remote: string;
  /** What this end does to what it sends. */
  readonly masking: Masking;
  readonly log: Log;
  /** Where the link puts a promise while what it sent last is on its way out. */
  readonly flushing: Set<Promise<void>>;
}

export class WsLink implements Link {
  readonly remote: string;
  readonly #ws: WebSocket;
  readonly #socket: Socket | undefined;
  readonly #log: Log;
  readonly #flushing: Set<Promise<void>>;
  readonly #messages: WsMessages;
  #handler: LinkHandler | undefined;
  #isClosed = false;
  #isCorked = false;
  #error: Error | undefined;

  constructor(made: WsLinkParts) {
    this.remote = made.remote;
    this.#ws = made.ws;
    this.#socket = made.socket;
    this.#log = made.log;
    this.#flushing = made.flushing;
    this.#messages = new WsMessages(made.masking);
  }

  /** Begins to listen; to be called in the turn in which the WebSocket opened. */
  attach(handler: LinkHandler): void {
    const ws = this.#ws;
    this.#handler = handler;
    ws.on("message", (data, isBinary) => {
      if (this.#isClosed) return;
      if (isBinary && data instanceof Uint8Array) this.#deliver(data);
      else this.#textCame();
    });
    ws.on("error", (error) => {
      this.#error = error;
    });
    ws.on("close", (_code, reason) => {
      const text = this.#error?.message ?? (reason.toString() || "connection lost");
      this.#gone(text, isOfTheProtocol(this.#error));
    });
  }

  send(frame: Uint8Array): void {
    if (this.#isClosed) return;
    const socket = this.#socket;
    if (!this.#isCorked && socket !== undefined) {
      this.#isCorked = true;
      socket.cork();
      process.nextTick(this.#uncork);
    }
    // ws queues nothing without compression, so both ways keep the order.
    const isOpen = socket !== undefined && this.#ws.readyState === this.#ws.OPEN;
    const message = isOpen ? this.#messages.of(frame) : undefined;
    if (message === undefined) this.#ws.send(frame, BINARY, this.#sent);
    else socket?.write(message);
  }

  bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#ws.bufferedAmount;
  }

  close(reason: string, flush = false): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (flush) this.#noteFlushing();
    // Without flush nothing may wait for a peer that does not read.
    if (flush || this.#ws.bufferedAmount === 0) this.#ws.close(NORMAL, cut(reason));
    else this.#ws.terminate();
    setImmediate(() => this.#handler?.closed(reason));
  }

  /** ws ends the socket after a while if the other end does not, so this ends too. */
  #noteFlushing(): void {
    const flushed = new Promise<void>((resolve) => {
      this.#ws.once("close", () => {
        resolve();
        this.#flushing.delete(flushed);
      });
    });
    this.#flushing.add(flushed);
  }

  #deliver(frame: Uint8Array): void {
    try {
      this.#handler?.frame(frame);
    } catch (err) {
      // A fault of ours; it must cost this link and not the process.
      this.#log.error({ event: "link-handler-failed", remote: this.remote, err }, "link closed");
      this.close("internal error");
    }
  }

  #textCame(): void {
    this.#ws.close(UNSUPPORTED, "binary messages only");
    this.#gone("a text message came, only binary ones are allowed", true);
  }

  #gone(reason: string, isBroken: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.closed(reason, isBroken);
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket?.uncork();
  };

  /** Errors of sending come as "error" and "close" as well. */
  readonly #sent = (): void => {};
}

/** What ws finds wrong with the bytes that came; trouble of the network has other codes. */
function isOfTheProtocol(error: Error | undefined): boolean {
  return error !== undefined && "code" in error && String(error.code).startsWith("WS_ERR_");
}

/** At a border of characters. */
function cut(reason: string): string {
  let text = reason.toWellFormed().slice(0, REASON_BYTES_MAX);
  while (Buffer.byteLength(text) > REASON_BYTES_MAX) text = text.slice(0, -1).toWellFormed();
  return text;
}
