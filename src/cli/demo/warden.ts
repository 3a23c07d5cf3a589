/**
 * The process that cleans up after the demonstration, however it ended. It is told which
 * processes and which folder there are. When the channel to it breaks, also because the leading
 * process was killed, it ends what is left (a frozen process cannot notice by itself) and removes
 * the folder. It does nothing else.
 */
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isCharge } from "./charge.ts";

/** Processes notice the end themselves and say goodbye; after this time they are killed. */
const GOODBYE_LIMIT_MS = 3_000;
const KILL_LIMIT_MS = 2_000;
const LOOK_MS = 20;

let pids: readonly number[] = [];
let folder: string | undefined;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("message", (message) => {
  if (!isCharge(message)) return;
  pids = message.pids;
  folder = message.folder;
});
process.once("disconnect", async () => {
  for (const pid of pids) signal(pid, "SIGCONT");
  await gone(GOODBYE_LIMIT_MS);
  for (const pid of pids) signal(pid, "SIGKILL");
  await gone(KILL_LIMIT_MS);
  if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

async function gone(limitMs: number): Promise<void> {
  for (let waited = 0; waited < limitMs; waited += LOOK_MS) {
    if (!pids.some((pid) => signal(pid, 0))) return;
    await sleep(LOOK_MS);
  }
}

/** Whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
