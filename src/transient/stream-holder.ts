/**
 * The holder's side of resumption: answers requests for the streams of this node, one at a time
 * for each stream, and takes a stream back whose request is gone before it was taken over. The
 * holder alone decides, so a stream has one winner as long as its node is there.
 */
import type { WatchEvent } from "../tables/change.ts";
import type { Table } from "../tables/table.ts";
import type { OwnStream } from "./own-stream.ts";
import type { StreamsOptions } from "./stream-options.ts";
import type { AnswerRow, RequestRow, StreamRow } from "./stream-rows.ts";

/** The tables that both sides share. */
export interface StreamTables<T> {
  readonly streams: Table<StreamRow>;
  readonly requests: Table<RequestRow>;
  readonly answers: Table<AnswerRow<T>>;
}

/** Not awaited: the other side sees the rows when they come, or gives up. */
const UNAWAITED = { ack: "none" } as const;

/** The streams of this node. */
export class StreamHolder<T> {
  readonly #tables: StreamTables<T>;
  readonly #options: StreamsOptions<T>;
  readonly #maxStanzas: number;
  readonly #own = new Map<string, OwnStream>();
  /** The request that each stream in state `handingOver` was given to. */
  readonly #given = new Map<OwnStream, { readonly requestId: string; readonly count: number }>();

  constructor(tables: StreamTables<T>, options: StreamsOptions<T>) {
    this.#tables = tables;
    this.#options = options;
    this.#maxStanzas = options.maxStanzas ?? 1000;
    tables.requests.watch({}, (event) => this.#requestChanged(event));
  }

  add(stream: OwnStream): void {
    this.#own.set(stream.resumeId, stream);
  }

  get(resumeId: string): OwnStream | undefined {
    return this.#own.get(resumeId);
  }

  /** It is over here; what waits for others to fetch it goes. */
  remove(stream: OwnStream, state: "handedOver" | "ended" | "lost"): void {
    this.#withdrawAnswer(stream);
    if (this.#own.get(stream.resumeId) === stream) this.#own.delete(stream.resumeId);
    stream.become(state);
  }

  /** Its row was ended or put into the shade by another node's. */
  overtaken(row: StreamRow, resumeId: string, kind: "ended" | "shadowed"): void {
    const stream = this.#own.get(resumeId);
    if (stream?.holder !== row.holder) return;
    if (kind === "shadowed") void this.#tables.streams.withdraw(resumeId, UNAWAITED);
    const wasAsked = stream.state === "handingOver";
    this.remove(stream, wasAsked ? "handedOver" : "lost");
    if (wasAsked) this.#options.onHandedOver?.(stream);
    else this.#options.onLost?.(stream);
  }

  #requestChanged(event: WatchEvent<RequestRow>): void {
    if (event.type === "missed") {
      this.#lookAgain();
      return;
    }
    const [resumeId, requestId] = event.key as unknown as [string, string];
    if (event.type === "set") this.#asked(resumeId, requestId, event.value);
    else this.#requestGone(resumeId, requestId);
  }

  #asked(resumeId: string, requestId: string, request: RequestRow): void {
    const stream = this.#own.get(resumeId);
    if (stream?.holder !== request.holder) return;
    if (this.#given.get(stream)?.requestId === requestId) return;
    if (stream.state !== "open") {
      this.#refuse([resumeId, requestId], "taken");
      return;
    }
    const { received, stanzas } = this.#options.onHandOver(stream, request);
    const isGiven =
      stanzas.length <= this.#maxStanzas && this.#give([resumeId, requestId], received, stanzas);
    if (!isGiven) {
      this.#refuse([resumeId, requestId], "tooLarge");
      this.#options.onReturned?.(stream);
      return;
    }
    this.#given.set(stream, { requestId, count: stanzas.length });
    stream.become("handingOver");
  }

  /** False if the rows were refused. They are one batch: who sees the first sees all. */
  #give(key: readonly string[], received: number, stanzas: readonly T[]): boolean {
    const rows: [readonly (string | number)[], AnswerRow<T>][] = [
      [key, { kind: "package", received, count: stanzas.length }],
    ];
    for (const [at, stanza] of stanzas.entries()) {
      rows.push([[...key, at], { kind: "stanza", stanza }]);
    }
    void this.#tables.answers.setMany(rows, UNAWAITED);
    return this.#tables.answers.has(key);
  }

  #refuse(key: readonly string[], reason: "taken" | "tooLarge"): void {
    void this.#tables.answers.set(key, { kind: "refused", reason }, UNAWAITED);
  }

  /** Who asked has what it wanted, has given up, or is gone itself. */
  #requestGone(resumeId: string, requestId: string): void {
    const stream = this.#own.get(resumeId);
    if (stream === undefined || this.#given.get(stream)?.requestId !== requestId) {
      void this.#tables.answers.withdraw([resumeId, requestId], UNAWAITED);
      return;
    }
    // Taken over already; that is told by the conflict.
    if (this.#tables.streams.get(resumeId)?.holder !== stream.holder) return;
    this.#withdrawAnswer(stream);
    stream.become("open");
    this.#options.onReturned?.(stream);
  }

  #withdrawAnswer(stream: OwnStream): void {
    const given = this.#given.get(stream);
    if (given === undefined) return;
    this.#given.delete(stream);
    const { requestId, count } = given;
    const key = [stream.resumeId, requestId];
    const keys = Array.from({ length: count }, (_, at) => [...key, at]);
    void this.#tables.answers.deleteMany([key, ...keys], UNAWAITED);
  }

  /** Changes were missed; or all rows are, as this node goes on as a new incarnation. */
  #lookAgain(): void {
    for (const stream of [...this.#own.values()]) {
      const row = this.#tables.streams.get(stream.resumeId);
      if (row?.holder !== stream.holder) {
        this.remove(stream, "lost");
        this.#options.onLost?.(stream);
        continue;
      }
      const given = this.#given.get(stream);
      if (given !== undefined && !this.#tables.requests.has([stream.resumeId, given.requestId])) {
        this.#requestGone(stream.resumeId, given.requestId);
      }
    }
    for (const [key, request] of this.#tables.requests) {
      const [resumeId, requestId] = key as unknown as [string, string];
      this.#asked(resumeId, requestId, request);
    }
  }
}
