/**
 * Files that are on the disk when a promise resolves: written aside, synced, renamed, and the
 * folder synced. Syncs of one folder that are asked for while one is under way are one.
 */
import { constants } from "node:fs";
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommitUnknownError, UnavailableError } from "../../../errors.ts";

/** What a file is called until it is whole. */
export const UNFINISHED = ".tmp";

const syncs = new Map<string, { now: Promise<void>; next: Promise<void> | undefined }>();

/** Replaces a file: afterwards it is the new one or, after an error or a crash, the old one. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const aside = `${path}${UNFINISHED}`;
  await onDisk(`write ${aside}`, async () => {
    const file = await open(aside, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  });
  await syncFolder(dirname(path));
}

/** Removes a file, for good; true if there was one. */
export async function removeFile(path: string): Promise<boolean> {
  const isRemoved = await onDisk(`remove ${path}`, () =>
    unlink(path).then(() => true, unlessMissing(false)),
  );
  if (isRemoved) await syncFolder(dirname(path));
  return isRemoved;
}

/** The file's content; undefined if there is none. */
export function readWhole(path: string): Promise<string | undefined> {
  return onDisk(`read ${path}`, () => readFile(path, "utf8").catch(unlessMissing(undefined)));
}

/** Makes a folder, and those that it is to be in, for good. */
export async function makeFolder(path: string): Promise<void> {
  const first = await onDisk(`make ${path}`, () => mkdir(path, { recursive: true }));
  if (first === undefined) return;
  // Each folder that is new is an entry of the one above it.
  const above = dirname(resolve(first));
  let at = resolve(path);
  while (at !== above && at !== dirname(at)) {
    at = dirname(at);
    await syncFolder(at);
  }
}

/** What was renamed, made or removed in the folder is on the disk afterwards. */
export async function syncFolder(folder: string): Promise<void> {
  const running = syncs.get(folder);
  if (running === undefined) {
    const now = syncNow(folder).finally(() => syncs.delete(folder));
    syncs.set(folder, { now, next: undefined });
    return now;
  }
  // The one under way may have begun before our change: wait for the one after it.
  running.next ??= running.now.catch(() => undefined).then(() => syncFolder(folder));
  return running.next;
}

async function syncNow(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Windows has no such thing: there a rename is as durable as it gets.
    if (process.platform === "win32") return;
    throw new CommitUnknownError(`cannot sync the folder ${folder}`, { cause: error });
  }
}

/** @throws UnavailableError if the disk refuses */
export async function onDisk<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new UnavailableError(`cannot ${what}`, { cause: error });
  }
}

/** Turns "no such file" into a value. */
export function unlessMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return value;
    throw error;
  };
}
