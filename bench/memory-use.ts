/** What this process holds after its garbage was collected. */

/** Bytes. */
export interface MemoryUse {
  /** Live objects of JavaScript. */
  readonly heap: number;
  /** Buffers and other memory outside that heap. */
  readonly external: number;
  /** What the operating system counts: the above, the runtime, and what was not given back. */
  readonly resident: number;
}

const ROUNDS = 4;
const PAUSE_MS = 50;

/** Needs --expose-gc. Takes about 200 ms, so that what only waits for a timer is gone as well. */
export async function memoryUse(): Promise<MemoryUse> {
  if (!globalThis.gc) throw new Error("the process was not started with --expose-gc");
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, external, resident: rss };
}
