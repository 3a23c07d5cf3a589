/** Options of `openStreams`, and what its listeners and callers are given. */
import { A_FUNCTION, A_NAME, aWholeNumber, checkOptions, type OptionRule } from "./own-options.ts";
import type { OwnStream } from "./own-stream.ts";

/** What goes with a stream to the connection that resumes it. */
export interface StreamPackage<T> {
  /** How many stanzas were received of the client: the `h` to tell it. */
  readonly received: number;
  /** Those that the client has not acknowledged, oldest first. */
  readonly stanzas: readonly T[];
}

/** Options of `openStreams`. The first three must be the same on all nodes. */
export interface StreamsOptions<T> {
  /** Name of the tables, with suffixes. Default "streams". */
  readonly name?: string;
  /** How long the counter of an ended stream is kept, ms. Default 3,600,000. */
  readonly staleMs?: number;
  /** Stanzas that may be handed over; a stream with more stays where it is. Default 1,000. */
  readonly maxStanzas?: number;
  /**
   * A client wants to go on with that stream, here or on another node: gives what it has not
   * acknowledged. Nothing may be sent over the old connection from then on. Keep the stanzas
   * until `onHandedOver`, for the stream may come back.
   */
  readonly onHandOver: (
    stream: OwnStream,
    request: { readonly acknowledged: number; readonly node: string },
  ) => StreamPackage<T>;
  /** The stream is elsewhere now: what is left of it here can go. */
  readonly onHandedOver?: (stream: OwnStream) => void;
  /** It was not taken (too large, or the node that asked is gone): it can be resumed as before. */
  readonly onReturned?: (stream: OwnStream) => void;
  /** Its row is lost: by a conflict after a split, or as this node is a new incarnation. */
  readonly onLost?: (stream: OwnStream) => void;
  /** Random bytes for resume ids. Default those of `node:crypto`. */
  readonly random?: (size: number) => Uint8Array;
  /** The wall clock, ms since the Unix epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** What has become of an attempt to resume. */
export type Resumption<T> =
  /** The stream is here now; send `stanzas` again. */
  | ({ readonly outcome: "resumed"; readonly stream: OwnStream } & StreamPackage<T>)
  /** It has ended; so many stanzas had been received of the client. */
  | { readonly outcome: "stale"; readonly received: number }
  /** No such stream: never made, its node dead, or over for too long. */
  | { readonly outcome: "unknown" }
  /** Another connection was first. */
  | { readonly outcome: "taken"; readonly by: string | undefined }
  /** Too many or too large stanzas to be handed over. It can be resumed on its own node. */
  | { readonly outcome: "tooLarge"; readonly node: string }
  /** Its node has not answered in time; it keeps the stream. */
  | { readonly outcome: "unanswered"; readonly node: string };

const RULES: Readonly<Record<keyof StreamsOptions<never>, OptionRule>> = {
  name: A_NAME,
  staleMs: aWholeNumber(1, 366 * 86_400_000),
  maxStanzas: aWholeNumber(1, 9_000),
  onHandOver: { ...A_FUNCTION, isRequired: true },
  onHandedOver: A_FUNCTION,
  onReturned: A_FUNCTION,
  onLost: A_FUNCTION,
  random: A_FUNCTION,
  now: A_FUNCTION,
};

/** @throws InvalidOptionsError with all faults */
export function checkStreamsOptions(options: unknown): void {
  checkOptions("openStreams", options, RULES);
}
