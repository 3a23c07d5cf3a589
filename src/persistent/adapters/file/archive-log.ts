/**
 * One user's archive: a file that is only appended to, and where its items are in it. The items'
 * values stay in the file. What is dead in it goes when it is rewritten, once that is the half.
 */
import type { FileHandle } from "node:fs/promises";
import { open, truncate } from "node:fs/promises";
import { dirname } from "node:path";
import { CommitUnknownError, UnavailableError } from "../../../errors.ts";
import type { Log } from "../../../runtime.ts";
import { ALL_ITEMS, type ArchiveRow, type PlacedRow } from "../../contract/driver.ts";
import { type OrderedItem, OrderedItems } from "../../indexes/ordered-items.ts";
import { onDisk, removeFile, syncFolder, unlessMissing, writeWhole } from "./durable-files.ts";
import { type EncodedFrame, encodeFrame, type LogOp, readLog } from "./log-format.ts";

/** Files below this size are not rewritten, bytes. */
const REWRITE_BYTES_MIN = 64 * 1024;
/** Values of one frame of a rewritten file, bytes. */
const REWRITE_FRAME_BYTES = 1024 * 1024;

/** An item, and where its value is. */
interface FiledItem extends OrderedItem {
  readonly offset: number;
  readonly bytes: number;
}

/** The file of one archive. Its caller sees to it that one call is made at a time. */
export class ArchiveLog {
  /** Set when this no longer tells what is in the file: it has to be loaded again. */
  isStale = false;
  #items = new OrderedItems<FiledItem>();
  readonly #path: string;
  readonly #user: string;
  readonly #log: Log;
  #next = 1n;
  /** Length of the file; 0 if there is none. */
  #bytes = 0;
  #liveBytes = 0;

  private constructor(path: string, user: string, log: Log) {
    this.#path = path;
    this.#user = user;
    this.#log = log;
  }

  /** Reads the file, if there is one, and cuts a torn end off. */
  static async load(path: string, user: string, log: Log): Promise<ArchiveLog> {
    const loaded = new ArchiveLog(path, user, log);
    const bytes = await readBytes(path);
    if (bytes === undefined) return loaded;
    const { ops, end } = readLog(path, bytes);
    if (end < bytes.length) {
      log.warn({ path, bytes: bytes.length - end }, "cut the torn end of an archive off");
      await onDisk(`cut ${path}`, () => truncate(path, end));
    }
    for (const { op, valueOffset } of ops) loaded.#apply(op, valueOffset);
    loaded.#bytes = end;
    return loaded;
  }

  /** What there is, in order. */
  get items(): OrderedItems<FiledItem> {
    return this.#items;
  }

  /** Puts rows at the end. */
  async append(rows: readonly ArchiveRow[]): Promise<void> {
    const last = new Map(rows.map((row, index) => [row.key, index]));
    // Of a key that comes twice only the last one is kept, as if the first had been replaced.
    const kept = rows.filter((row, index) => last.get(row.key) === index);
    await this.#write(
      kept.map((row, index) => ({
        kind: "append",
        ...row,
        value: Buffer.from(row.value),
        position: this.#next + BigInt(index),
      })),
    );
  }

  /** Changes an item where it stands. */
  async set(row: ArchiveRow): Promise<void> {
    await this.#write([{ kind: "set", ...row, value: Buffer.from(row.value) }]);
  }

  /** Removes items; the file as well if none is left. */
  async delete(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    if (keys.length < this.#items.size) return this.#write([{ kind: "delete", keys }]);
    await removeFile(this.#path);
    this.#bytes = 0;
    for (const key of keys) this.#forget(key);
  }

  /** The values of these items, in their order. */
  async read(items: readonly FiledItem[]): Promise<PlacedRow[]> {
    if (items.length === 0) return [];
    return this.#withFile("r", async (file) => {
      const rows: PlacedRow[] = [];
      for (const { key, when, with: peer, position, offset, bytes } of items) {
        const buffer = Buffer.allocUnsafe(bytes);
        const { bytesRead } = await file.read(buffer, 0, bytes, offset);
        if (bytesRead < bytes) throw new RangeError("the file is shorter than it was");
        rows.push({ key, when, with: peer, position, value: buffer.toString() });
      }
      return rows;
    });
  }

  async #write(ops: readonly LogOp[]): Promise<void> {
    const isNew = this.#bytes === 0;
    const head: LogOp[] = isNew ? [{ kind: "user", user: this.#user, next: this.#next }] : [];
    const frame = encodeFrame([...head, ...ops]);
    await this.#withFile(isNew ? "w" : "r+", (file) => this.#put(file, frame));
    if (isNew) await syncFolder(dirname(this.#path));
    this.#applyFrame([...head, ...ops], frame, this.#bytes);
    this.#bytes += frame.bytes.length;
    const isHalfDead = this.#bytes > 2 * this.#liveBytes && this.#bytes > REWRITE_BYTES_MIN;
    if (!isHalfDead) return;
    try {
      await this.#rewrite();
    } catch (error) {
      // What was asked for is done; the file is as good as before, just long.
      this.#log.warn({ path: this.#path, error }, "cannot rewrite an archive");
      this.isStale = true;
    }
  }

  /** Writes behind all that is there. After an error nothing of it is in the file, or we say so. */
  async #put(file: FileHandle, { bytes }: EncodedFrame): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length) {
        const rest = bytes.subarray(written);
        written += (await file.write(rest, 0, rest.length, this.#bytes + written)).bytesWritten;
      }
    } catch (error) {
      await file.truncate(this.#bytes);
      throw error;
    }
    try {
      await file.sync();
    } catch (error) {
      throw new CommitUnknownError(`cannot sync ${this.#path}`, { cause: error });
    }
  }

  /** The living items in a new file, in frames of a limited size. */
  async #rewrite(): Promise<void> {
    const all = this.#items.select(ALL_ITEMS);
    const frames: { ops: LogOp[]; frame: EncodedFrame }[] = [];
    let ops: LogOp[] = [{ kind: "user", user: this.#user, next: this.#next }];
    let bytes = 0;
    for (const row of await this.read(all)) {
      const value = Buffer.from(row.value);
      ops.push({ kind: "append", ...row, value });
      bytes += value.length;
      if (bytes < REWRITE_FRAME_BYTES) continue;
      frames.push({ ops, frame: encodeFrame(ops) });
      ops = [];
      bytes = 0;
    }
    if (ops.length > 0) frames.push({ ops, frame: encodeFrame(ops) });
    await writeWhole(this.#path, Buffer.concat(frames.map(({ frame }) => frame.bytes)));
    this.#items = new OrderedItems();
    this.#bytes = 0;
    this.#liveBytes = 0;
    for (const each of frames) {
      this.#applyFrame(each.ops, each.frame, this.#bytes);
      this.#bytes += each.frame.bytes.length;
    }
  }

  #applyFrame(ops: readonly LogOp[], frame: EncodedFrame, start: number): void {
    let value = 0;
    for (const op of ops) {
      const hasValue = op.kind === "append" || op.kind === "set";
      this.#apply(op, hasValue ? start + (frame.valueOffsets[value++] ?? 0) : 0);
    }
  }

  #apply(op: LogOp, offset: number): void {
    switch (op.kind) {
      case "user":
        this.#next = op.next;
        return;
      case "append": {
        const { key, when, with: peer, position, value } = op;
        this.#forget(key);
        this.#items.append({ key, when, with: peer, position, offset, bytes: value.length });
        this.#liveBytes += value.length;
        if (position >= this.#next) this.#next = position + 1n;
        return;
      }
      case "set": {
        const old = this.#items.get(op.key);
        if (old === undefined) return;
        const { key, when, with: peer, value } = op;
        const { position } = old;
        this.#items.replace({ key, when, with: peer, position, offset, bytes: value.length });
        this.#liveBytes += value.length - old.bytes;
        return;
      }
      case "delete":
        for (const key of op.keys) this.#forget(key);
        return;
    }
  }

  #forget(key: string): void {
    const old = this.#items.get(key);
    if (old === undefined) return;
    this.#liveBytes -= old.bytes;
    this.#items.remove(key);
  }

  async #withFile<T>(flags: string, act: (file: FileHandle) => Promise<T>): Promise<T> {
    try {
      const file = await open(this.#path, flags);
      try {
        return await act(file);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (error instanceof CommitUnknownError) throw error;
      throw new UnavailableError(`cannot use the file ${this.#path}`, { cause: error });
    }
  }
}

/** Whose archive it is, as its first frame says. */
export async function userOfLog(path: string): Promise<string> {
  const { ops } = readLog(path, (await readBytes(path)) ?? Buffer.alloc(0));
  const first = ops[0]?.op;
  return first?.kind === "user" ? first.user : "";
}

function readBytes(path: string): Promise<Buffer | undefined> {
  return onDisk(`read ${path}`, async () => {
    const file = await open(path, "r").catch(unlessMissing(undefined));
    try {
      return await file?.readFile();
    } finally {
      await file?.close();
    }
  });
}
