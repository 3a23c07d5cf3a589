/**
 * What setup tells the person in front of it: one line that moves on a terminal, plain lines
 * elsewhere. Everything goes to stderr, for stdout belongs to the command that follows.
 */

const PLAIN_EVERY_MS = 10_000;
const { stderr } = process;

/** @param {string} text One finished line. */
export function say(text) {
  clear();
  stderr.write(`setup: ${text}\n`);
}

/** "0.8 s", from a start taken with Date.now(). */
export function since(startMs) {
  return `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
}

/**
 * Shows a task that takes a while. Returns the function that ends it.
 * @param {() => string} describe What is going on now; called about twice a second.
 * @returns {() => void}
 */
export function progress(describe) {
  const startMs = Date.now();
  const live = stderr.isTTY === true;
  if (!live) say(describe());
  const draw = () => {
    if (!live) return say(`${describe()}, ${since(startMs)}`);
    clear();
    stderr.write(`setup: ${describe()}, ${since(startMs)}`.slice(0, (stderr.columns || 80) - 1));
  };
  if (live) draw();
  const timer = setInterval(draw, live ? 300 : PLAIN_EVERY_MS);
  return () => {
    clearInterval(timer);
    clear();
  };
}

function clear() {
  if (stderr.isTTY) stderr.write("\r\u001b[K");
}
