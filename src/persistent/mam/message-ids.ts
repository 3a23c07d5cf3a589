/**
 * Ids of archived messages: µs since 1970 in the upper 56 bits, the number of the node that gave
 * it in the lower 8. So ids are unique over the nodes, sort by time, and a time becomes an id.
 * They are about 4.6e17 today, beyond what a JavaScript number holds: bigints everywhere.
 */
import { InvalidArgumentError } from "../../errors.ts";

/** The greatest id: the greatest integer of 64 bits with a sign. */
export const MESSAGE_ID_MAX = 2n ** 63n - 1n;
/** The greatest number of a node. 0 is nobody's: it may stand for many, and ids would clash. */
export const NODE_NUMBER_MAX = 255;
/** The latest time that an id can have, µs: in the year 3111. */
export const MICROS_MAX = MESSAGE_ID_MAX >> 8n;

const NODE_BITS = 8n;
const NODE_MASK = 0xffn;
const TEXT = /^(?:0|[1-9A-V][0-9A-V]{0,12})$/;

export interface MessageIdsOptions {
  /** This node's number, 1 to 255; no other node that is alive may have it. */
  readonly node: number;
  /** The wall clock, µs since 1970. It may step back; ids do not. */
  readonly nowUs: () => bigint;
  /**
   * An id that another gave may be so far ahead of this clock, µs. Default: a day. One that is
   * further ahead would drag all later ids with it.
   */
  readonly aheadMaxUs?: bigint;
}

const AHEAD_MAX_US = 86_400_000_000n;

/** Gives ids that grow, whatever the clock does. */
export class MessageIds {
  readonly #node: bigint;
  readonly #nowUs: () => bigint;
  readonly #aheadMaxUs: bigint;
  /** The latest time of any id that was given or seen here, µs. */
  #lastUs = -1n;

  /** @throws InvalidArgumentError for a number of a node that is not 1 to 255 */
  constructor(options: MessageIdsOptions) {
    if (!Number.isInteger(options.node) || options.node < 1 || options.node > NODE_NUMBER_MAX) {
      throw new InvalidArgumentError(
        `node is ${options.node}; allowed are integers from 1 to ${NODE_NUMBER_MAX}`,
      );
    }
    this.#node = BigInt(options.node);
    this.#nowUs = options.nowUs;
    this.#aheadMaxUs = options.aheadMaxUs ?? AHEAD_MAX_US;
  }

  /** An id greater than all that were given and seen here before. */
  next(): bigint {
    const now = this.#nowUs();
    const us = now > this.#lastUs ? now : this.#lastUs + 1n;
    if (us < 0n || us > MICROS_MAX) {
      throw new InvalidArgumentError(
        `the time of an id would be ${us} µs; allowed is 0 to ${MICROS_MAX}`,
      );
    }
    this.#lastUs = us;
    return (us << NODE_BITS) | this.#node;
  }

  /**
   * An id that another node gave: none that is given here later is less.
   * @throws InvalidArgumentError if it is no id, or its time is too far ahead of this clock
   */
  observe(id: bigint): void {
    checkMessageId("id", id);
    if (this.notice(id)) return;
    const most = this.#nowUs() + this.#aheadMaxUs;
    throw new InvalidArgumentError(
      `id ${formatMessageId(id)} is of ${microsOf(id)} µs, ahead of this clock; allowed is up to ` +
        `${most} µs`,
    );
  }

  /** The same for an id that is stored already: one too far ahead is left alone, and said so. */
  notice(id: bigint): boolean {
    const us = microsOf(id);
    if (us <= this.#lastUs) return true;
    if (us > this.#nowUs() + this.#aheadMaxUs) return false;
    this.#lastUs = us;
    return true;
  }
}

/** The time of an id, µs since 1970. */
export function microsOf(id: bigint): bigint {
  return id >> NODE_BITS;
}

/** The number of the node that gave an id. */
export function nodeOf(id: bigint): number {
  return Number(id & NODE_MASK);
}

/** The least id at this time or later. */
export function firstIdAt(us: bigint): bigint {
  return us > MICROS_MAX ? MESSAGE_ID_MAX : us << NODE_BITS;
}

/** The greatest id at this time or earlier. */
export function lastIdAt(us: bigint): bigint {
  return us > MICROS_MAX ? MESSAGE_ID_MAX : (us << NODE_BITS) | NODE_MASK;
}

/** An id as others see it: in base 32, digits 0-9 and A-V. */
export function formatMessageId(id: bigint): string {
  return id.toString(32).toUpperCase();
}

/**
 * The id of such a text. Each id has one text: capital letters, no zero in front.
 * @throws InvalidArgumentError
 */
export function parseMessageId(text: unknown): bigint {
  if (typeof text === "string" && TEXT.test(text)) {
    let id = 0n;
    for (const digit of text) id = (id << 5n) | BigInt(Number.parseInt(digit, 32));
    if (id <= MESSAGE_ID_MAX) return id;
  }
  const given = typeof text === "string" ? JSON.stringify(text.slice(0, 40)) : `a ${typeof text}`;
  throw new InvalidArgumentError(
    `id of a message is ${given}; allowed is a number in base 32 (0-9, A-V, no zero in front) up ` +
      `to ${formatMessageId(MESSAGE_ID_MAX)}`,
  );
}

/** @throws InvalidArgumentError */
export function checkMessageId(name: string, id: unknown): asserts id is bigint {
  if (typeof id === "bigint" && id >= 0n && id <= MESSAGE_ID_MAX) return;
  const given = typeof id === "bigint" ? `${id}n` : `a ${typeof id}`;
  throw new InvalidArgumentError(
    `${name} is ${given}; allowed is a bigint from 0 to ${MESSAGE_ID_MAX}`,
  );
}
