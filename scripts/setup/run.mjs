/** Runs another program: its output is kept and shown only if it fails; it ends when we do. */
import { spawn } from "node:child_process";

const KEPT_CHARS = 200_000;

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, timeoutMs: number, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ ok: boolean, output: string, reason: string }>}
 */
export function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      shell: process.platform === "win32" && command.endsWith(".cmd"),
    });
    let output = "";
    let timedOut = false;
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARS);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, options.timeoutMs);
    const passOn = (signal) => {
      child.kill(signal);
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    process.once("SIGINT", passOn);
    process.once("SIGTERM", passOn);
    const end = (ok, reason) => {
      clearTimeout(timer);
      process.removeListener("SIGINT", passOn);
      process.removeListener("SIGTERM", passOn);
      resolve({ ok, output: output.trimEnd(), reason });
    };
    child.on("error", (error) => end(false, error.message));
    child.on("close", (code, signal) => {
      if (timedOut) end(false, `no end within ${options.timeoutMs / 1000} s`);
      else end(code === 0, code === null ? `ended by ${signal}` : `exit code ${code}`);
    });
  });
}
