/**
 * Links as the cluster sees them: ordered, framed, closed at any time. Types only.
 * Makers: ws-transport (sockets), memory-transport (one process), test/sim (virtual network).
 */

/** One ordered connection. Frames arrive whole and in order, or not at all once it is closed. */
export interface Link {
  /** Where the other end is, for logs. */
  readonly remote: string;
  /** Hands the frame over; the bytes must not change afterwards. Does nothing once closed. */
  send(frame: Uint8Array): void;
  /** Bytes handed over and not yet given to the network. */
  bufferedBytes(): number;
  /** Closes at once, or after what was sent has gone out when `flush` is true. */
  close(reason: string, flush?: boolean): void;
}

/** What the owner of a link wants to hear. Each call happens on a turn of its own or in order. */
export interface LinkHandler {
  /** The bytes are valid during the call only, unless copied. */
  frame(frame: Uint8Array): void;
  /** Once, whoever closed it. `isBroken`: the other end broke the protocol of the link itself. */
  closed(reason: string, isBroken?: boolean): void;
}

/** Why a dial failed: `refused` means the host answered that nobody listens there. */
export type DialFailure = "refused" | "unreachable" | "timeout" | "invalid";

/** What the dialler hears: exactly one of the two, once, never inside the call of `dial`. */
export interface DialHandler {
  opened(link: Link): LinkHandler;
  failed(why: DialFailure, message: string): void;
}

/** Where the transport listens once it does. */
export interface Listening {
  /** The address that others can dial, for example "ws://127.0.0.1:7400". */
  readonly address: string;
}

/** Makes links. */
export interface Transport {
  /** Starts to listen; `accept` is called for each link that others open. */
  listen(accept: (link: Link) => LinkHandler): Promise<Listening>;
  /** Opens a link to an address. `abort` gives the attempt up silently. */
  dial(address: string, handler: DialHandler): { abort(): void };
  /**
   * Stops listening. Links stay open until they are closed; those closed with flush before
   * this call have sent all when it resolves, unless the other end does not read.
   */
  close(): Promise<void>;
}
