/** Waits for a condition in real time, with a limit. */

/** Looks after each turn of the event loop. Throws after `limitMs`, default 30,000. */
export async function until(
  what: string,
  condition: () => boolean,
  limitMs = 30_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
