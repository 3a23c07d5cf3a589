/**
 * The library of a released version, built from its tag with the packages that are installed.
 * Kept by commit under build/, so that it is built once.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The first version; every later one must form a cluster with it, as long as it speaks protocol 1. */
export const FIRST_RELEASE = "v0.1.0";

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]build[/\\]?$/, "");
/** What a build needs of the tree. */
const PARTS = ["src", "package.json", "tsconfig.json", "tsconfig.build.json"];

/** A version to run nodes of. */
export interface Release {
  readonly tag: string;
  readonly commit: string;
}

/** Finds the release, or says in one line why it is not to be had. */
export function findRelease(tag: string): Release | string {
  try {
    // Quiet: what git has to say of a tag that is missing is said better below.
    const args = ["rev-parse", "--verify", "--quiet", `${tag}^{commit}`];
    const output = execFileSync("git", args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    return { tag, commit: output.toString().trim() };
  } catch {
    return `there is no tag ${tag} here (git fetch --tags; a shallow clone has none)`;
  }
}

/** The URL of the release's index.js; builds it if that was not done before. */
export function builtRelease({ commit }: Release): string {
  const home = join(ROOT, "build/released", commit);
  const index = join(home, "dist/index.js");
  if (!existsSync(index)) build(commit, home);
  return pathToFileURL(index).href;
}

/** In a folder of its own until it is whole, for two may do this at once. */
function build(commit: string, home: string): void {
  const making = `${home}.${process.pid}`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true });
  const tar = execFileSync("git", ["archive", "--format=tar", commit, ...PARTS], {
    cwd: ROOT,
    maxBuffer: 64 * 1024 * 1024,
  });
  execFileSync("tar", ["-x", "-C", making], { input: tar });
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const project = join(making, "tsconfig.build.json");
  execFileSync(process.execPath, [tsc, "-p", project], { cwd: making, stdio: "pipe" });
  try {
    renameSync(making, home);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(join(home, "dist/index.js"))) throw error;
  }
}
