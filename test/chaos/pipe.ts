/**
 * One direction of one connection through the proxy: bytes come in at one socket and leave at
 * the other as the link allows. The end of the connection is a thing under way like any byte:
 * while the link is held, the far end does not hear of it. That makes a half-open connection.
 */
import type { Socket } from "node:net";
import { type DirectedLink, UNDER_WAY_BYTES_MAX } from "./directed-link.ts";

type Parcel =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly dueAt: number }
  | { readonly kind: "end" | "reset"; readonly dueAt: number };

/** A slow link sends in pieces of so many parts of a second. */
const PIECES_PER_SECOND = 20;

/** See the head of this file. Flows freely until it is given a link. */
export class Pipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #queue: Parcel[] = [];
  #link: DirectedLink | undefined;
  #stopListening: () => void = () => undefined;
  #queuedBytes = 0;
  /** A slow link is busy until then. */
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isFull = false;
  #isOver = false;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.on("error", () => this.#put("reset"));
    source.on("end", () => this.#put("end"));
    source.on("close", () => this.#put("end"));
    sink.on("drain", () => {
      this.#isFull = false;
      this.#flow();
    });
    sink.once("close", () => this.#finish());
  }

  /** From now on that link decides. */
  follow(link: DirectedLink): void {
    this.#stopListening();
    this.#link = link;
    this.#stopListening = link.onChange(() => this.#flow());
    this.#flow();
  }

  put(bytes: Buffer): void {
    this.#queuedBytes += bytes.length;
    this.#queue.push({ kind: "bytes", bytes, dueAt: this.#dueAt() });
    if (this.#queuedBytes > UNDER_WAY_BYTES_MAX) this.#source.pause();
    this.#flow();
  }

  #put(kind: "end" | "reset"): void {
    if (this.#isOver) return;
    this.#queue.push({ kind, dueAt: this.#dueAt() });
    this.#flow();
  }

  #dueAt(): number {
    return performance.now() + (this.#link?.delayMs ?? 0);
  }

  #flow(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#isOver && !this.#isFull && this.#link?.isHeld !== true) {
      const [head] = this.#queue;
      if (head === undefined) return;
      const wait = Math.max(head.dueAt, this.#freeAt) - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#flow(), wait);
        return;
      }
      this.#queue.shift();
      if (head.kind === "bytes") this.#send(head.bytes, head.dueAt);
      else this.#close(head.kind);
    }
  }

  #send(bytes: Buffer, dueAt: number): void {
    const rate = this.#link?.rate;
    let piece = bytes;
    if (rate !== undefined) {
      const size = Math.max(1, Math.floor(rate / PIECES_PER_SECOND));
      piece = bytes.subarray(0, size);
      const rest = bytes.subarray(size);
      if (rest.length > 0) this.#queue.unshift({ kind: "bytes", bytes: rest, dueAt });
      this.#freeAt = performance.now() + (piece.length / rate) * 1000;
    }
    this.#queuedBytes -= piece.length;
    if (this.#queuedBytes <= UNDER_WAY_BYTES_MAX / 2) this.#source.resume();
    if (!this.#sink.writable) return;
    this.#isFull = !this.#sink.write(piece);
  }

  #close(how: "end" | "reset"): void {
    if (how === "end") this.#sink.end();
    else {
      this.#sink.destroy();
      this.#finish();
    }
  }

  #finish(): void {
    this.#isOver = true;
    this.#queue.length = 0;
    this.#stopListening();
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}
