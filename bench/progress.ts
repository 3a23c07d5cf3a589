/** What the command line asks for, and how a long run says where it is. */

/** Settings of a run. */
export interface Settings {
  /** How often each window is repeated. Default 5. */
  readonly rounds: number;
  /** Short windows and small tables: to see that it works, not to learn a figure. */
  readonly quick: boolean;
  /** Where Skein's processes leave CPU profiles of each window; null for none. */
  readonly profiles: string | null;
}

/** Called with what is under way and the share that is done, 0 to 1. */
export type Progress = (doing: string, share: number) => void;

/** Writes to standard error: one line that changes on a terminal, else a line for each step. */
export function progressOf(benchmark: string): Progress {
  return (doing, share) => {
    const line = `${benchmark} ${String(Math.round(share * 100)).padStart(3)} %  ${doing}`;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
    else process.stderr.write(`${line}\n`);
  };
}

/** Takes the changing line away. */
export function progressDone(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
}
