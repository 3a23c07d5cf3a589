/**
 * What the demonstration and its processes say to each other, over the channel that fork makes.
 * The tables never travel here: only orders, and answers about what a process sees by itself.
 */

/** Orders and what is answered to each. */
export interface Orders {
  /** Start the node and wait until it is ready. */
  start: {
    order: { readonly cluster: string; readonly name: string; readonly url: string };
    answer: { readonly origin: number; readonly address: string; readonly readyMs: number };
  };
  /** What is seen right now. Cheap: asked many times a second. */
  look: { order: Record<never, never>; answer: View };
  /** A sum over every visible row, made from what reads give, not from the engine's digest. */
  sum: { order: Record<never, never>; answer: { readonly rows: number; readonly sum: string } };
  /** Write the own sessions 0 to count - 1, in batches. */
  fill: {
    order: { readonly count: number; readonly round: number };
    answer: { readonly rows: number; readonly tookMs: number; readonly reached: number };
  };
  /** Read rows of all the nodes named for so long. */
  read: {
    order: { readonly nodes: readonly string[]; readonly count: number; readonly ms: number };
    answer: { readonly reads: number; readonly missing: number; readonly tookMs: number };
  };
  /** Rewrite own sessions for so long, each caller waiting for the acknowledgement. */
  write: {
    order: {
      readonly count: number;
      readonly round: number;
      readonly callers: number;
      readonly ms: number;
    };
    answer: WriteFigures;
  };
  /** The nodes whose sessions of this user the index finds. */
  find: { order: { readonly user: string }; answer: { readonly resources: readonly string[] } };
  /** Delete the own sessions from `first` on. */
  remove: {
    order: { readonly first: number; readonly count: number };
    answer: { readonly rows: number };
  };
  /** How many of these sessions of a node are there. */
  present: {
    order: { readonly node: string; readonly first: number; readonly count: number };
    answer: { readonly rows: number };
  };
  /** Say goodbye and end. */
  leave: { order: Record<never, never>; answer: { readonly left: true } };
}

/** The name of an order. */
export type OrderKind = keyof Orders;

/** One process's view of the cluster. */
export interface View {
  readonly rows: number;
  readonly digest: string;
  /** What the node says of the others. */
  readonly peers: readonly {
    readonly name: string;
    readonly origin: number;
    readonly state: string;
    readonly linked: boolean;
    readonly roundTripMs: number | undefined;
  }[];
  /** Nodes that share all rows with this one, by the node's status. */
  readonly joined: readonly string[];
  /** Names that discovery found last. */
  readonly discovered: readonly string[];
  readonly pendingWrites: number;
}

/** What a time of writing came to. */
export interface WriteFigures {
  readonly writes: number;
  readonly failed: number;
  /** Of the writes; 0 without any. */
  readonly p50Ms: number;
  readonly longestMs: number;
  readonly tookMs: number;
  /** The fewest nodes that a write reached besides the writer. */
  readonly reachedMin: number;
}

/** An order as sent. */
export interface OrderMessage<K extends OrderKind = OrderKind> {
  readonly id: number;
  readonly kind: K;
  readonly order: Orders[K]["order"];
}

/** What comes back. */
export type AnswerMessage =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly error: string };

/** Whether a message of the channel is an answer; Node may send others. */
export function isAnswer(message: unknown): message is AnswerMessage {
  return typeof message === "object" && message !== null && "id" in message && "ok" in message;
}

/** Whether a message of the channel is an order. */
export function isOrder(message: unknown): message is OrderMessage {
  return typeof message === "object" && message !== null && "id" in message && "kind" in message;
}
