/**
 * The right to a folder, for one process at a time: a file with the holder's process id, the time
 * at which it was started, and its host. A holder that is dead, or whose id is another process by
 * now, has lost it. Of a holder on another host only the file's age tells: it is touched each 5 s
 * and given up after 60 s.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, readFile, stat, unlink, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { ConflictError, UnavailableError } from "../../../errors.ts";
import { unlessMissing } from "./durable-files.ts";

const TOUCH_MS = 5000;
const FOREIGN_STALE_MS = 60_000;
/** A takeover takes milliseconds; one that is older was left behind. */
const TAKEOVER_STALE_MS = 10_000;
const ATTEMPTS = 20;

/** What is in the file. */
interface Holder {
  readonly pid: number;
  /** When the process began, in the words of the system; "" where it does not say. */
  readonly start: string;
  readonly host: string;
  readonly name: string;
  readonly token: string;
}

/** A lock that is held. */
export class FileLock {
  readonly #path: string;
  readonly #token: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(path: string, token: string) {
    this.#path = path;
    this.#token = token;
    this.#timer = setInterval(() => this.#touch(), TOUCH_MS).unref();
  }

  /**
   * Takes the lock of a folder; `name` is told to others who want it.
   * @throws ConflictError that names the holder, UnavailableError
   */
  static async take(folder: string, name: string): Promise<FileLock> {
    const path = join(folder, "lock");
    const token = randomBytes(8).toString("hex");
    const mine = { pid: process.pid, start: startOf(process.pid), host: hostname(), name, token };
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await create(path, JSON.stringify(mine))) return new FileLock(path, token);
      const holder = await readHolder(path);
      if (holder === undefined) continue;
      if (await isHeld(folder, path, holder)) throw conflict(folder, holder);
      await removeStale(folder, path, holder);
    }
    throw new UnavailableError(`cannot get the lock ${path}: others come and go`);
  }

  /** Gives it back, unless somebody else has it by now. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    const holder = await readHolder(this.#path);
    if (holder?.token === this.#token) await unlink(this.#path).catch(unlessMissing(undefined));
  }

  #touch(): void {
    const now = new Date();
    // A failure to touch shows when the disk is written to.
    utimes(this.#path, now, now).catch(() => undefined);
  }
}

/** True if the file is ours now. */
async function create(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw new UnavailableError(`cannot make the lock ${path}`, { cause: error });
  }
}

/** Undefined if there is no file; a holder without a process for one that is half written. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(unlessMissing(undefined));
  if (text === undefined) return undefined;
  const nobody = { pid: 0, start: "", host: hostname(), name: "unknown", token: text };
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null) return nobody;
    const { pid, start, host, name, token }: Partial<Record<string, unknown>> = { ...parsed };
    if (typeof pid !== "number" || typeof host !== "string") return nobody;
    return { pid, host, start: String(start), name: String(name), token: String(token) };
  } catch {
    return nobody;
  }
}

async function isHeld(folder: string, path: string, holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return (await ageOf(folder, path)) < FOREIGN_STALE_MS;
  // Half written: somebody is at it, or died at it.
  if (holder.pid === 0) return (await ageOf(folder, path)) < TAKEOVER_STALE_MS;
  return isAlive(holder.pid) && startOf(holder.pid) === holder.start && !isZombie(holder.pid);
}

/** Two may find a lock stale: only who makes the second file removes it, after another look. */
async function removeStale(folder: string, path: string, seen: Holder): Promise<void> {
  const takeover = `${path}.takeover`;
  if (!(await create(takeover, String(process.pid)))) {
    if ((await ageOf(folder, takeover)) > TAKEOVER_STALE_MS) {
      await unlink(takeover).catch(unlessMissing(undefined));
    }
    return;
  }
  try {
    const now = await readHolder(path);
    if (now?.token === seen.token) await unlink(path).catch(unlessMissing(undefined));
  } finally {
    await unlink(takeover).catch(unlessMissing(undefined));
  }
}

/** ms since the file was touched, by the clock of the file system; 0 if it is gone. */
async function ageOf(folder: string, path: string): Promise<number> {
  const touched = await stat(path).catch(unlessMissing(undefined));
  if (touched === undefined) return 0;
  const probe = join(folder, `now-${randomBytes(4).toString("hex")}`);
  await create(probe, "");
  const now = await stat(probe);
  await unlink(probe);
  return now.mtimeMs - touched.mtimeMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Others' processes may not be asked, but they are there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** It has ended, and whoever started it has not asked how. */
function isZombie(pid: number): boolean {
  return statOf(pid)[0] === "Z";
}

/** When the process began; "" where the system has no /proc. */
function startOf(pid: number): string {
  return statOf(pid)[19] ?? "";
}

/** What the system says of a process behind its name; empty where it has no /proc. */
function statOf(pid: number): string[] {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name may have blanks and brackets in it.
    return line.slice(line.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

function conflict(folder: string, { pid, host, name }: Holder): ConflictError {
  return new ConflictError(
    `the folder ${folder} is in use by the process ${pid} ("${name}") on ${host}; files have one user`,
  );
}
