/** A small repository in a temporary folder, with this one's scripts: for tests of the tooling. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const original = fileURLToPath(new URL("../..", import.meta.url));
const LIMIT_MS = 100_000;

/** What a program said and how it ended. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Made by `new`, removed by `remove`. */
export class TemporaryRepository {
  readonly root: string;
  readonly #running = new Set<ChildProcess>();

  /** `copied` are paths in `from`, which is this project unless told otherwise. */
  constructor(copied: readonly string[], from: string = original) {
    this.root = mkdtempSync(join(tmpdir(), "skein-repository-"));
    for (const path of copied) {
      cpSync(join(from, path), join(this.root, path), { recursive: true });
    }
  }

  path(path: string): string {
    return join(this.root, path);
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), content);
  }

  /** Installed packages of the original, without a copy. */
  linkPackages(...names: readonly string[]): void {
    for (const name of names) {
      const to = this.path(join("node_modules", name));
      mkdirSync(dirname(to), { recursive: true });
      symlinkSync(join(original, "node_modules", name), to);
    }
  }

  /** Runs a program here; resolves however it ends. */
  run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd: this.root,
        env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, ...env },
        stdio: ["ignore", "pipe", "pipe"],
        timeout: LIMIT_MS,
      });
      this.#running.add(child);
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
      child.on("error", reject);
      child.on("close", (code) => {
        this.#running.delete(child);
        resolve({ code, output });
      });
    });
  }

  node(...args: readonly string[]): Promise<Outcome> {
    return this.run(process.execPath, args);
  }

  remove(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    rmSync(this.root, { recursive: true, force: true });
  }
}
