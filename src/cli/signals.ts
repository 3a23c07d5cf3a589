/** What the commands do about SIGINT, SIGTERM and SIGHUP. The library has no such handlers. */

const CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that asks the process to end. */
export type StopSignal = keyof typeof CODES;

/** Listens for the signals from the moment it is made. */
export interface StopSignals {
  /** Resolves with the first one. */
  readonly first: Promise<StopSignal>;
  /** Stops listening: the next signal has its usual effect. */
  dispose(): void;
}

/** The first signal is told; a second one calls `onSecond` and ends the process at once. */
export function listenForStop(onSecond?: () => void): StopSignals {
  let told = false;
  let tell: (signal: StopSignal) => void = () => {};
  const first = new Promise<StopSignal>((resolve) => {
    tell = resolve;
  });
  const listener = (signal: NodeJS.Signals) => {
    if (!isStopSignal(signal)) return;
    if (told) {
      onSecond?.();
      process.exit(CODES[signal]);
    }
    told = true;
    tell(signal);
  };
  for (const signal of Object.keys(CODES)) process.on(signal, listener);
  return {
    first,
    dispose: () => {
      for (const signal of Object.keys(CODES)) process.off(signal, listener);
    },
  };
}

const PARENT_LOOK_MS = 250;

/**
 * Resolves when the process that started this one is gone, and never keeps this one alive. npm
 * hands SIGTERM on to the shell that runs a script, and that shell does not hand it on.
 */
export function parentGone(): Promise<StopSignal> {
  const parent = process.ppid;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      resolve("SIGTERM");
    }, PARENT_LOOK_MS);
    timer.unref();
  });
}

/** The exit code a shell expects of a process that a signal ended. */
export function exitCodeOf(signal: StopSignal): number {
  return CODES[signal];
}

function isStopSignal(signal: string): signal is StopSignal {
  return Object.hasOwn(CODES, signal);
}
