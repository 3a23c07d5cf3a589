/**
 * What other processes use, read from /proc: CPU time, memory and bytes through system calls.
 * On systems without /proc every figure is NaN and is printed as a dash.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let ticksPerSecond = Number.NaN;

/** User and system CPU seconds of these processes since they started. Resolution 10 ms each. */
export function cpuSeconds(pids: readonly number[]): number {
  if (Number.isNaN(ticksPerSecond)) ticksPerSecond = clockTicks();
  let ticks = 0;
  for (const pid of pids) {
    const stat = proc(pid, "stat");
    // The name of the program is in parentheses and may hold anything, blanks too.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN);
  }
  return ticks / ticksPerSecond;
}

/** CPU seconds of all programs of the machine since it started. */
export function machineSeconds(): number {
  if (Number.isNaN(ticksPerSecond)) ticksPerSecond = clockTicks();
  const line = /^cpu +(\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+) (\d+)/m.exec(procFile("/proc/stat"));
  const ticks = line?.slice(1).reduce((sum, field) => sum + Number(field), 0);
  return (ticks ?? Number.NaN) / ticksPerSecond;
}

/** CPU seconds of this process and of all its children that have ended. */
export function familySeconds(): number {
  if (Number.isNaN(ticksPerSecond)) ticksPerSecond = clockTicks();
  const stat = procFile("/proc/self/stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return fields.length > 15 ? ticks / ticksPerSecond : Number.NaN;
}

/** Bytes of memory that the process holds now. */
export function residentBytes(pid: number): number {
  return kilobytes(pid, "VmRSS");
}

/** The greatest that `residentBytes` ever was. */
export function residentPeakBytes(pid: number): number {
  return kilobytes(pid, "VmHWM");
}

/** Bytes that the process has read by system calls: what its sockets received, and files. */
export function bytesRead(pid: number): number {
  const line = /^rchar: (\d+)$/m.exec(proc(pid, "io"));
  return Number(line?.[1] ?? Number.NaN);
}

/** Bytes that the process has written by system calls. */
export function bytesWritten(pid: number): number {
  const line = /^wchar: (\d+)$/m.exec(proc(pid, "io"));
  return Number(line?.[1] ?? Number.NaN);
}

function kilobytes(pid: number, field: string): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(proc(pid, "status"));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

function proc(pid: number, file: string): string {
  return procFile(`/proc/${pid}/${file}`);
}

function procFile(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function clockTicks(): number {
  try {
    return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8", timeout: 5000 }));
  } catch {
    return Number.NaN;
  }
}
