/**
 * The rows of stream management, in four tables. A stream that is resumed on another node moves
 * by rows alone: the asking node writes a request, the holder answers with what the client had
 * not acknowledged, the asking node takes the stream's row over.
 */
import type { FullAddress } from "./session-address.ts";

/** A stream that can be resumed, under its resume id. Dies with the node that holds it. */
export interface StreamRow {
  readonly address: FullAddress;
  /** Name of the node that holds it. */
  readonly node: string;
  /** Unique in the cluster: a stream that moved on has another. */
  readonly holder: string;
}

/** Somebody wants a stream, under [resume id, request id]. Dies with the node that asks. */
export interface RequestRow {
  /** Who is asked: if the stream moves on meanwhile, nobody answers. */
  readonly holder: string;
  /** Name of the node that asks. */
  readonly node: string;
  /** How many stanzas the client says it has got. */
  readonly acknowledged: number;
}

/** The answer under the request's key, its stanzas under that key and 0, 1 and so on. */
export type AnswerRow<T> =
  | { readonly kind: "package"; readonly received: number; readonly count: number }
  | { readonly kind: "stanza"; readonly stanza: T }
  | { readonly kind: "refused"; readonly reason: "taken" | "tooLarge" };

/** The counter of a stream that ended, under its resume id. Outlives all nodes but the last. */
export interface StaleRow {
  readonly received: number;
  /** Not true from then on, ms since the Unix epoch. */
  readonly until: number;
}
