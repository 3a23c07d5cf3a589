/**
 * The library of a released version, built from its tag with the packages that are installed:
 * what it depends on and today's does not any more (sorted-btree) is among those for development.
 * Kept by commit under build/, so that it is built once.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The first version; every later one must form a cluster with it, as long as it speaks protocol 1. */
export const FIRST_RELEASE: Release = {
  tag: "v0.1.0",
  commit: "301b857f19036243f85c625d8ca3f7bb1cde8d6f",
};

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]build[/\\]?$/, "");
/** What a build needs of the tree. */
const PARTS = ["src", "package.json", "tsconfig.json", "tsconfig.build.json"];

/** A version to run nodes of. */
export interface Release {
  readonly tag: string;
  readonly commit: string;
}

/** Null if the release can be built here; else why not, in one line. */
export function whyAbsent({ tag, commit }: Release): string | null {
  try {
    // By its commit: a clone may have the history and not the tags.
    execFileSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT, stdio: "ignore" });
    return null;
  } catch {
    return `the commit of ${tag} is not here (git fetch --unshallow)`;
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
