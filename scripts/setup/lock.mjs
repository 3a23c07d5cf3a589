/**
 * One setup at a time. The lock is a folder, for making one is atomic on every file system; the
 * file inside says whose it is. Setup holds it only while it has something to do.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { progress } from "./notes.mjs";

/** A lock older than this is taken over: no setup runs that long, its own steps have limits. */
export const STALE_MS = 20 * 60_000;
/** How long to wait for another setup before giving up. */
export const WAIT_MS = 15 * 60_000;
const POLL_MS = 200;

/**
 * Runs `task` while no other setup of this folder runs.
 * @template T
 * @param {string} folder The lock's path.
 * @param {() => Promise<T>} task
 * @param {{ waitMs?: number }} [options]
 * @returns {Promise<T>}
 */
export async function withLock(folder, task, options = {}) {
  await take(folder, options.waitMs ?? WAIT_MS);
  const release = () => rmSync(folder, { recursive: true, force: true });
  // Also when a signal or a failure ends the process in the middle.
  process.once("exit", release);
  try {
    return await task();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

async function take(folder, waitMs) {
  mkdirSync(dirname(folder), { recursive: true });
  const startMs = Date.now();
  let done;
  try {
    while (!tryTake(folder)) {
      if (Date.now() - startMs > waitMs) {
        throw new Error(
          `another setup (${describe(folder)}) has held ${folder} for too long; ` +
            "if none is running, remove that folder",
        );
      }
      done ??= progress(() => `waiting for another setup (${describe(folder)})`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } finally {
    done?.();
  }
}

function tryTake(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    removeIfStale(folder);
    return false;
  }
  const owner = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  writeFileSync(join(folder, "owner.json"), JSON.stringify(owner));
  return true;
}

/** Renaming decides between two that find the same stale lock: only one of them succeeds. */
function removeIfStale(folder) {
  if (!isStale(folder)) return;
  const aside = `${folder}.${process.pid}`;
  try {
    renameSync(folder, aside);
  } catch {
    return;
  }
  if (isStale(aside)) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, folder); // It changed hands between the two looks: give it back.
}

function isStale(folder) {
  const owner = readOwner(folder);
  if (owner && owner.host === hostname()) return !isAlive(owner.pid);
  try {
    return Date.now() - statSync(folder).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

function readOwner(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "owner.json"), "utf8"));
  } catch {
    return undefined; // Just made, or just removed.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function describe(folder) {
  const owner = readOwner(folder);
  return owner ? `process ${owner.pid} on ${owner.host}` : "of unknown owner";
}
