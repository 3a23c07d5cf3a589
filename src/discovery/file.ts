/**
 * Addresses in a text file, which may change at any time. It is read at each query; watching it
 * only hints that a query is worth while, since not every file system tells of changes.
 */
import { type FSWatcher, watch } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { InvalidOptionsError, UnavailableError } from "../errors.ts";
import type { Clock, Log, Timer } from "../runtime.ts";
import { ADDRESSES_MAX, addressFault } from "./address.ts";
import type { DiscoveredNode, DiscoveryBackend } from "./discovery.ts";

/** Longest file, in bytes. */
const FILE_BYTES_MAX = 1_048_576;
/** An editor writes in several steps; one hint is enough for them. */
const DEBOUNCE_MS = 100;

export interface FileDiscoveryOptions {
  /** Path of the file; at most 1 MiB with at most 10,000 addresses. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Reads addresses, separated by white space; what follows a # on a line is a comment. */
export class FileDiscovery implements DiscoveryBackend {
  readonly kind = "file";
  readonly #path: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #watcher: FSWatcher | undefined;
  #debounce: Timer | undefined;

  constructor(options: FileDiscoveryOptions) {
    const fault = filePathFault(options.file);
    if (fault !== undefined) throw new InvalidOptionsError("discovery", [fault]);
    this.#path = resolve(options.file);
    this.#clock = options.clock;
    this.#log = options.log;
  }

  async getNodes(): Promise<readonly DiscoveredNode[]> {
    return parseNodeFile(await readLimited(this.#path), this.#path);
  }

  watch(hint: () => void): void {
    this.#unwatch();
    const name = basename(this.#path);
    try {
      // The folder, not the file: a file that is replaced is another one.
      const watcher = watch(dirname(this.#path), { persistent: false }, (_, changed) => {
        if (changed !== null && changed !== name) return;
        this.#debounce?.cancel();
        this.#debounce = this.#clock.after(DEBOUNCE_MS, hint);
      });
      watcher.on("error", (error) => this.#unwatched(error));
      this.#watcher = watcher;
    } catch (error) {
      this.#unwatched(error);
    }
  }

  async leave(): Promise<void> {
    this.#unwatch();
  }

  async close(): Promise<void> {
    this.#unwatch();
  }

  #unwatched(error: unknown): void {
    this.#unwatch();
    this.#log.debug({ file: this.#path, error: String(error) }, "cannot watch the file of nodes");
  }

  #unwatch(): void {
    this.#debounce?.cancel();
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

/** What is wrong with the path of a file; undefined if it may be read. */
export function filePathFault(path: unknown): string | undefined {
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return undefined;
  return `file: is ${path === "" ? "empty" : `of type ${typeof path}`}, allowed is a path`;
}

/** A file half written by an editor is an error; the nodes go on with the last good answer. */
export function parseNodeFile(text: string, path: string): readonly DiscoveredNode[] {
  const addresses = new Set<string>();
  for (const [index, line] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    for (const address of line.replace(/#.*$/, "").split(/\s+/)) {
      if (address === "") continue;
      const fault = addressFault(address);
      if (fault !== undefined) {
        throw new UnavailableError(`${path}, line ${index + 1}: an address ${fault}`);
      }
      addresses.add(address);
    }
  }
  if (addresses.size > ADDRESSES_MAX) {
    throw new UnavailableError(
      `${path}: has ${addresses.size} addresses, at most ${ADDRESSES_MAX}`,
    );
  }
  return [...addresses].map((address) => ({ address }));
}

async function readLimited(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const stat = await file.stat();
      // A device or a pipe has no size, and no end.
      if (!stat.isFile()) throw new UnavailableError(`${path}: is no plain file`);
      const { size } = stat;
      if (size > FILE_BYTES_MAX) {
        throw new UnavailableError(`${path}: has ${size} bytes, at most ${FILE_BYTES_MAX}`);
      }
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UnavailableError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new UnavailableError(`${path}: cannot be read: ${message}`, { cause: error });
  }
}
