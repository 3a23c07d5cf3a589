/** Worker threads that run pieces of seeds: each asks for the next one when it has done its own. */
import { parentPort, Worker } from "node:worker_threads";
import type { ScenarioOptions } from "./scenario.ts";
import type { Piece, SeedQueue } from "./seed-queue.ts";
import { runSeeds, type SeedRun } from "./seed-run.ts";

/** What a worker is told when it starts. */
export interface WorkerOrder extends ScenarioOptions {
  readonly stopsAtFailure: boolean;
}

/** Runs all that the queue hands out. `script` must call {@link work} in a worker. */
export async function runQueue(
  queue: SeedQueue,
  of: { readonly script: URL; readonly workers: number; readonly order: WorkerOrder },
): Promise<void> {
  await Promise.all(Array.from({ length: of.workers }, () => runWorker(queue, of)));
}

function runWorker(
  queue: SeedQueue,
  { script, order }: { readonly script: URL; readonly order: WorkerOrder },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: order });
    let piece = queue.take();
    worker.postMessage(piece);
    worker.on("message", (run: SeedRun) => {
      if (piece !== null) queue.done(piece, run);
      piece = queue.take();
      worker.postMessage(piece);
    });
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
  });
}

/** A worker's part: runs each piece that it is given; null ends it. */
export function work(order: WorkerOrder): void {
  // Hundreds of calls fail in each world, as they should; nobody reads where. A replay still tells.
  Error.stackTraceLimit = 0;
  const each = ({ failures }: SeedRun): boolean => !order.stopsAtFailure || failures.length === 0;
  parentPort?.on("message", (piece: Piece | null) => {
    if (piece === null) parentPort?.close();
    else parentPort?.postMessage(runSeeds(seedsOf(piece), each, order));
  });
}

/** The seeds of a piece. */
export function* seedsOf({ from, count }: Piece): Generator<number> {
  for (let at = 0; at < count; at++) yield from + at;
}
