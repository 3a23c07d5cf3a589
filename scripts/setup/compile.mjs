/**
 * TypeScript to JavaScript: `dist` is the package, `build` is src, test and bench for the tools
 * that run without a test runner. A stamp holds a sum over every source and over the names of
 * the outputs, so that nothing is compiled twice and a half-removed output is made again.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { progress, say, since } from "./notes.mjs";
import { run } from "./run.mjs";

const COMPILE_LIMIT_MS = 3 * 60_000;
const COMPILED = [".js", ".js.map", ".d.ts"];

/**
 * What can be built. `copied` are the sources whose data files (pages, scripts) go along.
 * @type {Record<string, { config: string, sources: string[], out: string, base: string }>}
 */
export const TARGETS = {
  build: { config: "tsconfig.build.json", sources: ["src"], out: "dist", base: "src" },
  tools: {
    config: "tsconfig.tools.json",
    sources: ["src", "test", "bench"],
    out: "build",
    base: ".",
  },
};

/** @returns {string} "" when the outputs are those of the sources, else why not. */
export function whyCompile(root, target) {
  const stamp = readStamp(root, target);
  if (!stamp) return `${target.out}/ has not been built`;
  if (stamp.sum !== sumOf(root, target)) return `sources are newer than ${target.out}/`;
  const lost = outputsOf(root, target).find((file) => !existsSync(join(root, file)));
  return lost ? `${lost} is missing` : "";
}

/** Compiles, copies the data files, and removes outputs that no source stands for any more. */
export async function compile(root, target, reason) {
  const startMs = Date.now();
  const sum = sumOf(root, target); // Before, so that an edit meanwhile is seen the next time.
  const done = progress(() => `${reason}: compiling ${target.sources.join(", ")}`);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const result = await run(
    process.execPath,
    [
      compiler,
      "-p",
      target.config,
      "--noEmitOnError",
      "--pretty",
      String(process.stderr.isTTY === true),
    ],
    { cwd: root, timeoutMs: COMPILE_LIMIT_MS },
  );
  done();
  if (!result.ok) {
    throw new Error(`tsc -p ${target.config} failed (${result.reason}):\n${result.output}`);
  }
  copyData(root, target);
  const outputs = outputsOf(root, target);
  const removed = removeStale(root, target, new Set(outputs));
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(stampFile(root, target), JSON.stringify({ sum }));
  const count = outputs.filter((file) => file.endsWith(".js")).length;
  const also = removed > 0 ? `, removed ${removed} files without a source` : "";
  say(`compiled ${count} files to ${target.out}/ in ${since(startMs)}${also}`);
}

/** The data files that lie beside sources in src; those of test and bench are read in place. */
function dataFiles(root) {
  return filesUnder(root, "src").filter(
    (file) => !file.endsWith(".ts") && !file.endsWith("tsconfig.json") && !file.endsWith(".md"),
  );
}

function copyData(root, target) {
  for (const file of dataFiles(root)) {
    const to = join(root, target.out, relative(target.base, file));
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(root, file), to);
  }
}

function outputsOf(root, target) {
  const declarations = target.out === "dist" ? COMPILED : COMPILED.filter((end) => end !== ".d.ts");
  const compiled = target.sources
    .flatMap((folder) => filesUnder(root, folder))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .flatMap((file) => {
      const stem = join(target.out, relative(target.base, file)).slice(0, -extname(file).length);
      return declarations.map((end) => stem + end);
    });
  const copied = dataFiles(root).map((file) => join(target.out, relative(target.base, file)));
  return [...compiled, ...copied];
}

/** Only below the folders that we fill: build/ holds the lock and the stamps too. */
function removeStale(root, target, outputs) {
  const folders = target.base === "." ? target.sources : ["."];
  const stale = folders
    .flatMap((folder) => filesUnder(root, join(target.out, folder)))
    .filter((file) => !outputs.has(file));
  for (const file of stale) rmSync(join(root, file), { force: true });
  return stale.length;
}

function sumOf(root, target) {
  const hash = createHash("sha256");
  const files = target.sources.flatMap((folder) => filesUnder(root, folder));
  for (const file of [...files, "tsconfig.json", target.config, "package-lock.json"]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** Paths relative to the root, sorted; an absent folder has none. */
function filesUnder(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesUnder(root, path);
      return entry.isFile() ? [path] : [];
    })
    .sort();
}

function stampFile(root, target) {
  return join(root, "build", `.${target.out}-stamp.json`);
}

function readStamp(root, target) {
  try {
    return JSON.parse(readFileSync(stampFile(root, target), "utf8"));
  } catch {
    return undefined;
  }
}
