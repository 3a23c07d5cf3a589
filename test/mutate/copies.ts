/**
 * Copies of the sources in which faults are planted. One is compiled as a whole, without a fault;
 * each of the others takes what was compiled there and compiles the files with the fault alone,
 * which takes a tenth of the time.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Edit } from "./mutations.ts";

/** What is planted. */
export interface Planted {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const TIMEOUT_MS = 20 * 60_000;
/** What the compiled copy needs of what was compiled without a fault. */
const COMPILED = ["src", "test/sim"];
const SOURCES = ["src", "test/sim", "test/promises", "test/tables", "test/cluster"];

/** The files with the fault; throws if a text to be found is not there exactly once. */
export function edited(
  { name, edits }: Planted,
  read: (file: string) => string,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const text = texts.get(file) ?? read(file);
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`${name}: found ${count} times in ${file}: ${find}`);
    texts.set(
      file,
      text.replace(find, () => replace),
    );
  }
  return texts;
}

/** Runs a script of Node until it ends. */
export function run(
  cwd: string,
  args: readonly string[],
): Promise<{ readonly code: number | string | null; readonly out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, timeout: TIMEOUT_MS });
    let out = "";
    child.stdout.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      out += data.toString();
    });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, out }));
  });
}

/** The copies, in a folder of their own. */
export class Copies {
  /** The copy without a fault. */
  readonly control: string;
  readonly #root: string;
  readonly #base: string;

  constructor(root: string, base: string) {
    this.#root = root;
    this.#base = base;
    this.control = join(base, "control");
  }

  /** Makes the copy without a fault. To be called first. */
  async prepare(): Promise<void> {
    this.#copySources(this.control);
    await this.#compile(this.control, { include: ["src", "test/sim"] });
  }

  /** A compiled copy with that fault, for the simulator. */
  async compiled(fault: Planted): Promise<string> {
    const at = this.#folderOf(fault);
    for (const folder of COMPILED) {
      cpSync(join(this.control, "build", folder), join(at, "build", folder), { recursive: true });
    }
    this.#link(at);
    const texts = edited(fault, (file) => readFileSync(join(this.control, file), "utf8"));
    for (const [file, text] of texts) {
      mkdirSync(dirname(join(at, file)), { recursive: true });
      writeFileSync(join(at, file), text);
    }
    await this.#compile(at, { files: [...texts.keys()], include: [] });
    return at;
  }

  /** A copy of the sources with that fault, for tests. */
  sources(fault: Planted): string {
    const at = this.#folderOf(fault);
    this.#copySources(at);
    for (const [file, text] of edited(fault, (name) => readFileSync(join(at, name), "utf8"))) {
      const copy = realpathSync(join(at, file));
      if (!copy.startsWith(realpathSync(at))) throw new Error(`${copy} is not in the copy`);
      writeFileSync(copy, text);
    }
    return at;
  }

  /** Takes a copy away again. */
  remove(fault: Planted): void {
    rmSync(this.#folderOf(fault), { recursive: true, force: true });
  }

  #folderOf({ name }: Planted): string {
    return join(this.#base, name);
  }

  #copySources(into: string): void {
    for (const folder of SOURCES) {
      // What a link points at is copied: a fault must never reach the working copy.
      const options = { recursive: true, dereference: true };
      cpSync(join(this.#root, folder), join(into, folder), options);
    }
    this.#link(into);
  }

  #link(at: string): void {
    for (const file of ["package.json", "tsconfig.json"]) {
      cpSync(join(this.#root, file), join(at, file));
    }
    symlinkSync(join(this.#root, "node_modules"), join(at, "node_modules"));
  }

  async #compile(
    at: string,
    what: { readonly include: readonly string[]; readonly files?: readonly string[] },
  ): Promise<void> {
    const compilerOptions = {
      ...{ noEmit: false, noCheck: true, noResolve: what.files !== undefined },
      ...{ rootDir: ".", outDir: "build" },
    };
    const config = { extends: "./tsconfig.json", compilerOptions, ...what };
    writeFileSync(join(at, "tsconfig.mutate.json"), JSON.stringify(config));
    const compiler = join(at, "node_modules", "typescript", "bin", "tsc");
    const { code, out } = await run(at, [compiler, "-p", "tsconfig.mutate.json"]);
    if (code !== 0) throw new Error(`the copy does not compile:\n${out}`);
  }
}
