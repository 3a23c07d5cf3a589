/** What the fronts of all kinds share: names, budgets, encoding, the listing of users. */
import { AbortedError, ProtocolError, TooLargeError, UnsupportedError } from "../../errors.ts";
import type { Capabilities, StoreKind } from "../contract/capabilities.ts";
import { decodeValue } from "../contract/decode-value.ts";
import type { Budget, UserPage } from "../contract/driver.ts";
import { encodeValue } from "../contract/encode-value.ts";
import { checkTimeout } from "../contract/inputs.ts";
import type { AnyStore, CallOptions } from "../contract/kinds.ts";

/** How long a call may take unless it or its store says otherwise, ms. */
export const TIMEOUT_MS = 10_000;
/** The most bytes that the values of one call may have together, encoded: 64 MiB. */
const BATCH_BYTES_MAX = 64 * 1024 * 1024;
/** Users of one page of a listing. */
const USERS_PAGE = 500;
/** Values of one page of a listing: they may be large. */
const VALUES_PAGE = 100;

/** What a front is told about its store; all of it is checked. */
export interface FrontSettings {
  readonly host: string;
  readonly name: string;
  readonly kind: StoreKind;
  readonly capabilities: Capabilities;
  /** Default of each call's time-out, ms. */
  readonly timeoutMs: number;
  /** The most bytes of an encoded value. */
  readonly valueBytesMax: number;
}

/** Base of the fronts. */
export abstract class StoreFront implements AnyStore {
  readonly host: string;
  readonly name: string;
  readonly kind: StoreKind;
  readonly capabilities: Capabilities;
  /** Of a call without options. */
  readonly #budget: Budget;
  readonly #valueBytesMax: number;

  constructor(settings: FrontSettings) {
    this.host = settings.host;
    this.name = settings.name;
    this.kind = settings.kind;
    this.capabilities = settings.capabilities;
    checkTimeout(settings.timeoutMs);
    this.#budget = { timeoutMs: settings.timeoutMs, signal: undefined };
    this.#valueBytesMax = settings.valueBytesMax;
  }

  async *users(options?: CallOptions): AsyncGenerator<string, void, undefined> {
    this.need("users");
    for (let after = ""; ; ) {
      const page = await this.userPage({ after, limit: USERS_PAGE }, this.budget(options));
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < USERS_PAGE) return;
      after = last;
    }
  }

  /** One page of the driver's users. */
  protected abstract userPage(page: UserPage, budget: Budget): Promise<readonly string[]>;

  /** @throws InvalidArgumentError, AbortedError */
  protected budget(options: CallOptions | undefined): Budget {
    if (options === undefined) return this.#budget;
    const { timeoutMs = this.#budget.timeoutMs, signal } = options;
    checkTimeout(timeoutMs);
    if (signal?.aborted) {
      throw new AbortedError("the call's signal has fired", { cause: signal.reason });
    }
    return { timeoutMs, signal };
  }

  /** @throws UnsupportedError */
  protected need(ability: "users" | "total" | "truncate" | "summary"): void {
    if (this.capabilities[ability]) return;
    throw new UnsupportedError(`the back end of the store "${this.name}" has no ${ability}`);
  }

  /** @throws InvalidValueError, TooLargeError */
  protected encode(value: unknown): string {
    return encodeValue(value, this.#valueBytesMax);
  }

  /** The values of one call, encoded; undefined stands for a deletion. */
  protected encodeAll(values: ReadonlyMap<string, unknown>): Map<string, string | undefined> {
    const encoded = new Map<string, string | undefined>();
    let bytes = 0;
    for (const [key, value] of values) {
      const text = value === undefined ? undefined : this.encode(value);
      bytes += text === undefined ? 0 : this.bytesOf(text, bytes);
      encoded.set(key, text);
    }
    return encoded;
  }

  /** Bytes of one more text of a call. @throws TooLargeError if all are too much together */
  protected bytesOf(text: string, before: number): number {
    const bytes = Buffer.byteLength(text);
    if (before + bytes > BATCH_BYTES_MAX) {
      throw new TooLargeError(`values of one call take more than ${BATCH_BYTES_MAX} bytes encoded`);
    }
    return bytes;
  }

  /**
   * What was read. The type is the caller's claim: whoever can write to the back end can break it.
   * @throws ProtocolError that names the place
   */
  protected decode(text: string, user: string, key: string): unknown {
    try {
      return decodeValue(text);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const of = `store "${this.name}" of ${this.host}, user ${JSON.stringify(user)}`;
      const where = key === "" ? of : `${of}, key ${JSON.stringify(key)}`;
      throw new ProtocolError(`${where}: ${error.message}`, { cause: error });
    }
  }

  /** Values of one key, page by page. */
  protected async *pagesOfKey(
    options: CallOptions | undefined,
    read: (page: UserPage, budget: Budget) => Promise<readonly (readonly [string, string])[]>,
  ): AsyncGenerator<readonly [user: string, text: string], void, undefined> {
    for (let after: string | undefined; ; ) {
      const page = await read({ after, limit: VALUES_PAGE }, this.budget(options));
      yield* page;
      if (page.length < VALUES_PAGE) return;
      after = page.at(-1)?.[0];
    }
  }
}
