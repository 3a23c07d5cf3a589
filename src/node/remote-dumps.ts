/**
 * Dumps that nodes ask of one another, page by page: what another node really holds, to compare
 * with what this one holds. A page is sent when it is asked for, so that neither side holds more
 * than one; the node that is asked keeps its place in the table meanwhile.
 */
import { ByteReader, ByteWriter } from "../bytes.ts";
import type { Peer } from "../cluster/cluster-events.ts";
import { OverloadedError, ProtocolError, UnavailableError, UnsupportedError } from "../errors.ts";
import type { Clock } from "../runtime.ts";
import { decodeKey } from "../tables/key.ts";
import type { Row } from "../tables/row.ts";
import type { DumpedRow } from "../tables/table-reads.ts";
import { TableState, tableId } from "../tables/table-state.ts";
import type { Tables } from "../tables/tables.ts";
import {
  DumpPage,
  type DumpRequest,
  FRAME_DUMP_PAGE,
  FRAME_DUMP_REQUEST,
  readPage,
  readRequest,
  writeRequest,
} from "./dump-frames.ts";

/** What nodes say in the handshake that answer such requests. */
export const FEATURE_DUMP = "dump";
/** Dumps under way at once: asked for by this node, and asked of it. */
const DUMPS_MAX = 16;
/** Keys looked at for one page. */
const KEYS_PER_PAGE = 5000;
/** A page that has not come after so long, ms, will not. */
const PAGE_MAX_MS = 10_000;
/** A place that nobody has asked to go on from for so long is given up. */
const IDLE_MAX_MS = 60_000;

/** What the dumps work with. */
export interface DumpParts {
  readonly clock: Clock;
  readonly tables: () => Tables;
  readonly send: (origin: number, frame: Uint8Array) => void;
  readonly nameOf: (origin: number) => string | undefined;
}

/** A page that is waited for. */
interface Asked {
  readonly origin: number;
  readonly done: (page: ReturnType<typeof readPage>) => void;
  readonly fail: (error: Error) => void;
}

/** A dump that another node asks for. */
interface Served {
  readonly table: TableState;
  readonly heads: Iterator<Row>;
  readonly hidden: boolean;
  usedAtMs: number;
}

/** Both sides of it. */
export class RemoteDumps {
  readonly #parts: DumpParts;
  readonly #asked = new Map<number, Asked>();
  /** By "origin:id". */
  readonly #served = new Map<string, Served>();
  #lastId = 0;

  constructor(parts: DumpParts) {
    this.#parts = parts;
  }

  /**
   * The rows of a table as that node holds them, in no order.
   * @throws UnsupportedError, UnavailableError, OverloadedError
   */
  async *rows(
    peer: Peer,
    of: Omit<DumpRequest, "id" | "isFirst">,
  ): AsyncGenerator<DumpedRow<unknown>, void, undefined> {
    if (!peer.features.includes(FEATURE_DUMP)) {
      throw new UnsupportedError(`node "${peer.name}" is of a version that gives no dumps`);
    }
    const id = ++this.#lastId;
    for (let isFirst = true; ; isFirst = false) {
      const page = await this.#ask(peer, { ...of, id, isFirst });
      if (page.isRefused) {
        throw new OverloadedError(`node "${peer.name}" gives ${DUMPS_MAX} dumps at once, no more`);
      }
      for (const row of page.rows) {
        yield { ...row, key: decodeKey(row.key), owner: this.#parts.nameOf(row.ownerOrigin) };
      }
      if (page.isLast) return;
    }
  }

  /** Handles a frame; false if it is of another kind. Throws ProtocolError. */
  frame(peer: Peer, frame: Uint8Array): boolean {
    if (frame[0] === FRAME_DUMP_REQUEST) {
      this.#answer(peer, readRequest(new ByteReader(frame)));
      return true;
    }
    if (frame[0] !== FRAME_DUMP_PAGE) return false;
    const page = readPage(new ByteReader(frame));
    const asked = this.#asked.get(page.id);
    if (asked === undefined) return true;
    if (asked.origin !== peer.origin)
      throw new ProtocolError(`dump ${page.id} was not asked of it`);
    asked.done(page);
    return true;
  }

  /** The node has ended, or goes on as a new incarnation. */
  end(error: Error): void {
    for (const asked of this.#asked.values()) asked.fail(error);
    this.#served.clear();
  }

  /** The link is gone, and with it what was asked. */
  linkDown(origin: number): void {
    for (const asked of this.#asked.values()) {
      if (asked.origin === origin) asked.fail(new UnavailableError("the link is gone"));
    }
    for (const name of this.#served.keys()) {
      if (name.startsWith(`${origin}:`)) this.#served.delete(name);
    }
  }

  #ask(peer: Peer, request: DumpRequest): Promise<ReturnType<typeof readPage>> {
    if (this.#asked.size >= DUMPS_MAX) {
      throw new OverloadedError(`${DUMPS_MAX} dumps are under way, no more may be`);
    }
    const { origin, name } = peer;
    const { promise, resolve, reject } = withResolvers<ReturnType<typeof readPage>>();
    const timer = this.#parts.clock.after(PAGE_MAX_MS, () => {
      this.#asked
        .get(request.id)
        ?.fail(new UnavailableError(`node "${name}" gave no page in ${PAGE_MAX_MS} ms`));
    });
    const end = (): void => {
      timer.cancel();
      this.#asked.delete(request.id);
    };
    this.#asked.set(request.id, {
      origin,
      done: (page) => {
        end();
        resolve(page);
      },
      fail: (error) => {
        end();
        reject(error);
      },
    });
    const writer = new ByteWriter(128);
    writeRequest(writer, request);
    this.#parts.send(origin, writer.take());
    return promise;
  }

  #answer(peer: Peer, request: DumpRequest): void {
    const name = `${peer.origin}:${request.id}`;
    const served = request.isFirst ? this.#open(request) : this.#served.get(name);
    const page = new DumpPage(request.id);
    if (served === undefined) page.refuse();
    else {
      served.usedAtMs = this.#parts.clock.now();
      if (this.#fill(page, served)) this.#served.delete(name);
      else this.#served.set(name, served);
    }
    this.#parts.send(peer.origin, page.take());
  }

  #open({ table, hidden }: DumpRequest): Served | undefined {
    const usedAtMs = this.#parts.clock.now();
    for (const [name, served] of this.#served) {
      if (usedAtMs - served.usedAtMs > IDLE_MAX_MS) this.#served.delete(name);
    }
    if (this.#served.size >= DUMPS_MAX) return undefined;
    // Asking for a table makes none.
    const { tables, origins, decoded } = this.#parts.tables().replica;
    const state = tables.get(tableId(table)) ?? new TableState(table, origins, decoded);
    return { table: state, heads: state.rows.values(), hidden, usedAtMs };
  }

  /** Fills a page, perhaps with nothing; true if it is the last one. */
  #fill(page: DumpPage, { table, heads, hidden }: Served): boolean {
    const { ids } = this.#parts.tables().replica.origins;
    for (let looked = 0; looked < KEYS_PER_PAGE && !page.isFull; looked++) {
      const head = heads.next();
      if (head.done === true) {
        page.isLast = true;
        return true;
      }
      let shown = false;
      for (let row: Row | null = head.value; row !== null; row = row.next) {
        if (table.isGone(row)) continue;
        const isHidden = (shown && table.type === "set") || table.isHidden(row);
        if (!isHidden) shown = true;
        if (!isHidden || hidden) page.add(row, { ids, isHidden });
      }
    }
    return false;
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}
