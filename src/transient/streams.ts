/**
 * Streams that a client can resume after its connection has broken, on any node: who holds which
 * resume id, the counters of those that ended, and their way from one node to another.
 */
import { randomBytes } from "node:crypto";
import { InvalidArgumentError } from "../errors.ts";
import { checkTimeout } from "../tables/call-options.ts";
import type { Table } from "../tables/table.ts";
import type { WriteOptions, WriteResult } from "../tables/write-calls.ts";
import { OwnStream } from "./own-stream.ts";
import { checkFullAddress, type FullAddress } from "./session-address.ts";
import { StreamHolder, type StreamTables } from "./stream-holder.ts";
import {
  checkStreamsOptions,
  type Resumption,
  type StreamPackage,
  type StreamsOptions,
} from "./stream-options.ts";
import { StreamResumer } from "./stream-resumer.ts";
import type { AnswerRow, RequestRow, StaleRow, StreamRow } from "./stream-rows.ts";
import type { TransientNode } from "./transient-node.ts";

/** 168 random bits: nobody guesses another one's id. */
const RESUME_ID_BYTES = 21;
const RESUME_ID_MAX = 200;
const STALE_MS = 3_600_000;
const TIMEOUT_MS = 5_000;

/**
 * Declares the tables of stream management on this node. Once for each name.
 * @throws InvalidOptionsError with all faults
 */
export function openStreams<T>(node: TransientNode, options: StreamsOptions<T>): Streams<T> {
  checkStreamsOptions(options);
  return new Streams(node, options);
}

/** The streams of all nodes. Made by `openStreams`; `T` is a stanza. */
export class Streams<T> {
  readonly #node: TransientNode;
  readonly #options: StreamsOptions<T>;
  readonly #streams: Table<StreamRow>;
  readonly #stale: Table<StaleRow>;
  readonly #holder: StreamHolder<T>;
  readonly #resumer: StreamResumer<T>;
  readonly #staleMs: number;
  readonly #now: () => number;
  #made = 0;

  /** Use `openStreams`. */
  constructor(node: TransientNode, options: StreamsOptions<T>) {
    this.#node = node;
    this.#options = options;
    this.#staleMs = options.staleMs ?? STALE_MS;
    this.#now = options.now ?? (() => Date.now());
    const { name = "streams" } = options;
    this.#streams = node.table<StreamRow>(name, {
      onConflict: ({ key, value, kind }) => this.#holder.overtaken(value, String(key), kind),
    });
    const staleOptions = { lifetime: "cluster", ttlMs: this.#staleMs } as const;
    this.#stale = node.table<StaleRow>(`${name}.stale`, staleOptions);
    const tables: StreamTables<T> = {
      streams: this.#streams,
      requests: node.table<RequestRow>(`${name}.requests`),
      answers: node.table<AnswerRow<T>>(`${name}.answers`),
    };
    this.#holder = new StreamHolder(tables, options);
    this.#resumer = new StreamResumer(tables, {
      take: (resumeId, row, given) => this.#takeOver(resumeId, row, given),
      gone: (resumeId) => this.#gone(resumeId),
    });
  }

  /** Streams of all nodes. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * Begins a stream of this node, under a resume id that cannot be guessed.
   * @throws InvalidArgumentError if the address is not one, TooLargeError, TableError
   */
  register(address: FullAddress, options?: WriteOptions): OwnStream {
    checkFullAddress(address);
    const random = this.#options.random ?? randomBytes;
    const resumeId = Buffer.from(random(RESUME_ID_BYTES)).toString("base64url");
    return this.#hold(resumeId, [...address], options);
  }

  /** Who holds a stream that can be resumed. */
  lookup(resumeId: string): { address: FullAddress; node: string } | undefined {
    checkResumeId(resumeId);
    const row = this.#streams.get(resumeId);
    return row === undefined ? undefined : { address: row.address, node: row.node };
  }

  /**
   * Ends a stream of this node: it cannot be resumed any more. `received`, how many stanzas have
   * come from the client, is kept for `staleMs`, so that the client can be told.
   */
  end(stream: OwnStream, received?: number, options?: WriteOptions): Promise<WriteResult> {
    if (received !== undefined) checkCount("received", received);
    const isHeld = this.#holder.get(stream.resumeId) === stream;
    if (!isHeld) return this.#streams.sync({ ...options, ack: "none" });
    if (received !== undefined) {
      const until = this.#now() + this.#staleMs;
      void this.#stale.set(stream.resumeId, { received, until }, { ack: "none" });
    }
    this.#holder.remove(stream, "ended");
    return this.#streams.withdraw(stream.resumeId, options);
  }

  /** How many stanzas an ended stream had received, while that is kept. */
  staleCounter(resumeId: string): number | undefined {
    checkResumeId(resumeId);
    const row = this.#stale.get(resumeId);
    return row === undefined || this.#now() >= row.until ? undefined : row.received;
  }

  /**
   * Goes on with a stream here, wherever it is. `acknowledged`: how many stanzas the client says
   * it has got. The node that holds it answers within `timeoutMs` (5,000), or keeps it.
   * @throws InvalidArgumentError, OverloadedError, or what a write rejects with
   */
  async resume(
    resumeId: string,
    request: { readonly acknowledged: number; readonly timeoutMs?: number },
  ): Promise<Resumption<T>> {
    checkResumeId(resumeId);
    const { acknowledged, timeoutMs = TIMEOUT_MS } = request;
    checkCount("acknowledged", acknowledged);
    checkTimeout("timeoutMs", timeoutMs);
    const row = this.#streams.get(resumeId);
    if (row === undefined) return this.#gone(resumeId);
    const own = this.#holder.get(resumeId);
    if (own?.holder === row.holder) return this.#resumeHere(own, row, acknowledged);
    const id = this.#nextId();
    const asked = { id, node: this.#node.name, acknowledged, timeoutMs };
    return this.#resumer.ask(resumeId, row, asked);
  }

  /** The old connection was to this node, too. */
  async #resumeHere(own: OwnStream, row: StreamRow, acknowledged: number): Promise<Resumption<T>> {
    if (own.state !== "open") return { outcome: "taken", by: undefined };
    const { onHandOver, onHandedOver, onReturned } = this.#options;
    const given = onHandOver(own, { acknowledged, node: this.#node.name });
    const { stream, resumption } = this.#take(own.resumeId, row, given);
    if (stream.state === "failed") {
      onReturned?.(own);
      await stream.written;
    }
    own.become("handedOver");
    onHandedOver?.(own);
    return resumption;
  }

  #takeOver(resumeId: string, row: StreamRow, given: StreamPackage<T>): Resumption<T> {
    const { stream, resumption } = this.#take(resumeId, row, given);
    return stream.state === "failed" ? { outcome: "unanswered", node: row.node } : resumption;
  }

  #take(resumeId: string, row: StreamRow, { received, stanzas }: StreamPackage<T>) {
    const stream = this.#hold(resumeId, row.address);
    const resumption: Resumption<T> = { outcome: "resumed", stream, received, stanzas };
    return { stream, resumption };
  }

  #hold(resumeId: string, address: FullAddress, options?: WriteOptions): OwnStream {
    const holder = this.#nextId();
    const row = { address, node: this.#node.name, holder };
    const written = this.#streams.set(resumeId, row, options);
    const stream = new OwnStream({ resumeId, address, holder }, written);
    // A write that was made is seen at once: one that is not seen was refused.
    if (this.#streams.get(resumeId)?.holder === holder) this.#holder.add(stream);
    else stream.become("failed");
    return stream;
  }

  #gone(resumeId: string): Resumption<T> {
    const received = this.staleCounter(resumeId);
    return received === undefined ? { outcome: "unknown" } : { outcome: "stale", received };
  }

  #nextId(): string {
    return `${this.#node.origin}.${++this.#made}`;
  }
}

function checkResumeId(resumeId: unknown): void {
  const isRight = typeof resumeId === "string" && resumeId !== "";
  if (isRight && resumeId.length <= RESUME_ID_MAX) return;
  const given = isRight ? `${resumeId.length} characters long` : String(resumeId);
  throw new InvalidArgumentError(
    `resumeId is ${given}, allowed are strings of 1 to ${RESUME_ID_MAX} characters`,
  );
}

function checkCount(name: string, count: unknown): void {
  if (Number.isSafeInteger(count) && Number(count) >= 0) return;
  throw new InvalidArgumentError(`${name} is ${String(count)}, allowed are whole numbers from 0`);
}
