/**
 * Tries the package as a user gets it: builds, packs, installs the tarball into an empty project,
 * imports every subpath, compiles a program that uses the types, runs the command line, and asks
 * publint. `node scripts/package-check.mjs`; says what it did.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { since } from "./setup/notes.mjs";
import { run } from "./setup/run.mjs";

const LIMIT_MS = 120_000;
const root = fileURLToPath(new URL("..", import.meta.url));
const npm = process.platform === "win32" ? "npm.cmd" : "npm";
const description = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "skein-package-"));
  try {
    await step("built", process.execPath, [join(root, "scripts/setup.mjs"), "build"], root);
    const tarball = await pack(folder);
    writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
    const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--no-save"];
    await step("installed the tarball", npm, ["install", ...flags, tarball], folder);
    const names = await importAll(folder);
    await compileUser(folder, names);
    const cli = await step("ran npx skein --help", npm, ["exec", "--", "skein", "--help"], folder);
    if (!/skein/i.test(cli)) throw new Error(`skein --help does not name itself:\n${cli}`);
    const publint = join(root, "node_modules/publint/src/cli.js");
    await step("publint", process.execPath, [publint, "run", tarball, "--strict"], root);
    console.log(`package-check: ${description.name}@${description.version} passed`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one program and prints a line; throws with its output if it fails. */
async function step(what, command, args, cwd) {
  const startMs = Date.now();
  const result = await run(command, args, { cwd, timeoutMs: LIMIT_MS });
  if (!result.ok) throw new Error(`${what}: ${result.reason}\n${result.output}`);
  console.log(`ok      ${what} (${since(startMs)})`);
  return result.output;
}

/** Packs and checks that what package.json promises is inside. */
async function pack(folder) {
  const flags = ["pack", "--json", "--loglevel=error", "--pack-destination", folder];
  const output = await step("packed", npm, flags, root);
  const [packed] = JSON.parse(output.slice(output.search(/^\[/m)));
  const inside = new Set(packed.files.map((file) => file.path));
  const promised = [...targets(description.exports), ...Object.values(description.bin)];
  const lacking = promised
    .concat("README.md", "LICENSE", "CHANGELOG.md")
    .map((path) => path.replace(/^\.\//, ""))
    .filter((path) => !inside.has(path));
  if (lacking.length > 0) throw new Error(`the package lacks ${lacking.join(", ")}`);
  const strays = [...inside].filter((path) => /(^|\/)(test|\.env$|build)(\/|$)/.test(path));
  if (strays.length > 0) throw new Error(`the package should not have ${strays.join(", ")}`);
  console.log(`        ${packed.files.length} files, ${Math.ceil(packed.size / 1024)} KiB packed`);
  return join(folder, packed.filename);
}

/** Every file that the exports map names. */
function targets(exports) {
  return typeof exports === "string" ? [exports] : Object.values(exports).flatMap(targets);
}

function subpaths() {
  return Object.keys(description.exports)
    .filter((path) => path !== "./package.json")
    .map((path) => description.name + path.slice(1));
}

/** Imports each subpath in a process of its own: it must name things and then let it end. */
async function importAll(folder) {
  const names = new Map();
  for (const path of subpaths()) {
    const code = `import * as all from ${JSON.stringify(path)};
      console.log(JSON.stringify(Object.keys(all)));`;
    writeFileSync(join(folder, "import.mjs"), code);
    const output = await step(`imported ${path}`, process.execPath, ["import.mjs"], folder);
    const found = JSON.parse(output);
    if (found.length === 0) throw new Error(`${path} exports nothing`);
    names.set(path, found);
  }
  return names;
}

/** A user's program in strict TypeScript: each exported value must have a type, and not `any`. */
async function compileUser(folder, names) {
  const lines = ["type Known<T> = 0 extends 1 & T ? false : true;", "const known: true[] = [];"];
  let index = 0;
  for (const [path, exported] of names) {
    index++;
    lines.push(`import * as all${index} from ${JSON.stringify(path)};`);
    for (const name of exported) {
      lines.push(`known.push(true satisfies Known<typeof all${index}.${name}>);`);
    }
  }
  writeFileSync(join(folder, "user.mts"), `${lines.join("\n")}\nconsole.log(known.length);\n`);
  const options = { module: "nodenext", target: "es2023", strict: true, skipLibCheck: true };
  const compilerOptions = { ...options, noEmit: true, types: [], lib: ["es2023", "dom"] };
  const config = { compilerOptions, files: ["user.mts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  if (!existsSync(tsc)) throw new Error("no compiler installed");
  await step("compiled a user's program", process.execPath, [tsc, "-p", "."], folder);
}

main().catch((error) => {
  console.error(`package-check: ${error.message}`);
  process.exitCode = 1;
});
