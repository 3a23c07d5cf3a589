/**
 * Rows in files: one for each user that has any, replaced as a whole. The first line is JSON with
 * the user, each other line a key as JSON, a tab and the value's text, which is JSON as well.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ProtocolError } from "../../../errors.ts";
import { compareBytes } from "../../contract/byte-order.ts";
import type { Budget, RowsDriver, UserPage } from "../../contract/driver.ts";
import { ByteOrderedSet } from "../../indexes/byte-ordered-set.ts";
import { onDisk, readWhole, removeFile, UNFINISHED, writeWhole } from "./durable-files.ts";
import { fileNameOf, userOfFile } from "./file-names.ts";
import type { Turns } from "./turns.ts";

const ENDING = ".rows";
const FORMAT = 1;

/** The rows of one place. */
export class FileRows implements RowsDriver {
  readonly #folder: string;
  readonly #turns: Turns;
  readonly #users: ByteOrderedSet;

  private constructor(folder: string, turns: Turns, users: ByteOrderedSet) {
    this.#folder = folder;
    this.#turns = turns;
    this.#users = users;
  }

  /** Reads who is there; what was being written when the process died is removed. */
  static async open(folder: string, turns: Turns): Promise<FileRows> {
    const users = await usersOf(folder, ENDING, async (path) => {
      return parseRows(path, (await readWhole(path)) ?? "").user;
    });
    return new FileRows(folder, turns, users);
  }

  async read(user: string, key: string): Promise<string | undefined> {
    return (await this.#load(user)).get(key);
  }

  async readUser(user: string): Promise<ReadonlyMap<string, string>> {
    return this.#load(user);
  }

  async write(
    user: string,
    changes: ReadonlyMap<string, string | undefined>,
    budget: Budget,
  ): Promise<void> {
    const path = this.#path(user);
    await this.#turns.run(path, budget, async () => {
      const rows = await this.#load(user);
      let isChanged = false;
      for (const [key, value] of changes) {
        if (rows.get(key) === value) continue;
        isChanged = true;
        if (value === undefined) rows.delete(key);
        else rows.set(key, value);
      }
      if (isChanged) await this.#save(user, rows);
    });
  }

  async replaceUser(
    user: string,
    rows: ReadonlyMap<string, string>,
    budget: Budget,
  ): Promise<void> {
    await this.#turns.run(this.#path(user), budget, () => this.#save(user, rows));
  }

  async users({ after, limit }: UserPage): Promise<readonly string[]> {
    return this.#users.page(after, limit);
  }

  async readKey(key: string, { after, limit }: UserPage): Promise<[string, string][]> {
    const found: [string, string][] = [];
    // Nobody knows which users have the key but their files.
    for (const user of this.#users.page(after, this.#users.size)) {
      if (found.length === limit) break;
      const value = await this.read(user, key);
      if (value !== undefined) found.push([user, value]);
    }
    return found;
  }

  async deleteKey(key: string, budget: Budget): Promise<number> {
    let count = 0;
    for (const user of this.#users.page(undefined, this.#users.size)) {
      await this.#turns.run(this.#path(user), budget, async () => {
        const rows = await this.#load(user);
        if (!rows.delete(key)) return;
        count++;
        await this.#save(user, rows);
      });
    }
    return count;
  }

  /** Removes all that the user has. */
  purge(user: string, budget: Budget): Promise<void> {
    return this.replaceUser(user, new Map(), budget);
  }

  async #load(user: string): Promise<Map<string, string>> {
    if (!this.#users.has(user)) return new Map();
    const path = this.#path(user);
    const text = await readWhole(path);
    return text === undefined ? new Map() : parseRows(path, text).rows;
  }

  async #save(user: string, rows: ReadonlyMap<string, string>): Promise<void> {
    if (rows.size === 0) {
      await removeFile(this.#path(user));
      this.#users.delete(user);
      return;
    }
    const sorted = [...rows].sort(([a], [b]) => compareBytes(a, b));
    const lines = sorted.map(([key, value]) => `${JSON.stringify(key)}\t${value}\n`);
    const head = `${JSON.stringify({ format: FORMAT, user })}\n`;
    // Known before it is written: one too many does no harm, one too few would hide a file.
    this.#users.add(user);
    await writeWhole(this.#path(user), head + lines.join(""));
  }

  #path(user: string): string {
    return join(this.#folder, fileNameOf(user) + ENDING);
  }
}

/** The users that have a file; unfinished files are removed. */
export async function usersOf(
  folder: string,
  ending: string,
  readUser: (path: string) => Promise<string>,
): Promise<ByteOrderedSet> {
  const users = new ByteOrderedSet();
  for (const name of await onDisk(`list ${folder}`, () => readdir(folder))) {
    if (name.endsWith(UNFINISHED)) await removeFile(join(folder, name));
    if (!name.endsWith(ending)) continue;
    const found = userOfFile(name.slice(0, -ending.length));
    if (found === "unknown") users.add(await readUser(join(folder, name)));
    else if (found !== undefined) users.add(found.user);
  }
  return users;
}

/** @throws ProtocolError that names the file */
function parseRows(path: string, text: string): { user: string; rows: Map<string, string> } {
  const lines = text.split("\n");
  const rows = new Map<string, string>();
  try {
    const head: unknown = JSON.parse(lines[0] ?? "");
    if (typeof head !== "object" || head === null) throw new TypeError("no head");
    const { format, user }: Partial<Record<string, unknown>> = { ...head };
    if (format !== FORMAT || typeof user !== "string") throw new TypeError("unknown format");
    if (lines.at(-1) !== "") throw new TypeError("ends within a line");
    for (const line of lines.slice(1, -1)) {
      const tab = line.indexOf("\t");
      const key: unknown = JSON.parse(line.slice(0, tab));
      if (tab < 0 || typeof key !== "string") throw new TypeError("no key");
      rows.set(key, line.slice(tab + 1));
    }
    return { user, rows };
  } catch (error) {
    throw new ProtocolError(`the file ${path} is damaged or of a newer version`, { cause: error });
  }
}
