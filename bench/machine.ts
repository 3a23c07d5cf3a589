/** Where and of what a run was: without these a figure says nothing. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { keyOf, sessionOf } from "./session-rows.ts";

/** The facts, as one line each. */
export function machineFacts(): string[] {
  const processors = cpus();
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    `Machine: ${processors.length} processors (${model}), ${memory}, ${type()} ${release()}`,
    `Node.js ${process.versions.node}`,
    `Commit ${commit()}`,
    `Load of the machine when the run began: ${load.join(" ")} (1, 5, 15 min)`,
    `Rows: one chat session each, ${rowBytes()} B as JSON with its key`,
    `Date: ${new Date().toISOString().slice(0, 10)}`,
  ];
}

function rowBytes(): number {
  const row = 123_456;
  return JSON.stringify([keyOf(row), sessionOf(row)]).length;
}

/** Short hash, and whether the sources differ from it. */
function commit(): string {
  try {
    const hash = git("rev-parse", "--short", "HEAD");
    const changed = git("status", "--porcelain", "--", "src", "bench") !== "";
    return changed ? `${hash} with changes that are not committed` : hash;
  } catch {
    return "unknown";
  }
}

function git(...args: string[]): string {
  return execFileSync("git", args, {
    cwd: new URL(".", import.meta.url),
    encoding: "utf8",
    timeout: 5000,
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}
