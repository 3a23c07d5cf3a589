/**
 * The checks that need no test runner: format and lint, types, the pure core's types, layers,
 * the lock of the packages. `npm run check`; with `-- --fix` Biome corrects what it can first.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { since } from "./setup/notes.mjs";
import { run } from "./setup/run.mjs";

const LIMIT_MS = 3 * 60_000;
const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (path) => join(root, "node_modules", path);

const colors = process.stdout.isTTY ? ["--colors=force"] : ["--colors=off"];
const pretty = ["--pretty", String(process.stdout.isTTY === true)];
const limits = ["--max-diagnostics=100"];
const biome = bin("@biomejs/biome/bin/biome");
const tsc = bin("typescript/bin/tsc");

const CHECKS = [
  {
    name: "format and lint",
    args: [biome, "ci", "--error-on-warnings", ...limits, ...colors, "."],
  },
  { name: "types", args: [tsc, "-p", ".", ...pretty] },
  { name: "types of the pure core", args: [tsc, "-p", "src/tables", ...pretty] },
  { name: "layers", args: [join(root, "scripts/layers.mjs")] },
  { name: "lock of the packages", args: [join(root, "scripts/complete-lock.mjs"), "--check"] },
];

async function main() {
  const rest = process.argv.slice(2);
  if (rest.some((each) => each !== "--fix")) {
    throw new Error(`unknown arguments "${rest.join(" ")}"; allowed is --fix`);
  }
  if (!existsSync(biome)) throw new Error("no linter installed: run npm run check");
  if (rest.includes("--fix")) {
    await check({ name: "fixing", args: [biome, "check", "--write", ...limits, ...colors, "."] });
  }
  let failed = 0;
  for (const each of CHECKS) if (!(await check(each))) failed++;
  if (failed > 0) throw new Error(`${failed} of ${CHECKS.length} failed`);
  console.log(`check: all ${CHECKS.length} passed`);
}

async function check({ name, args }) {
  const startMs = Date.now();
  const result = await run(process.execPath, args, { cwd: root, timeoutMs: LIMIT_MS });
  console.log(`${result.ok ? "ok    " : "FAILED"}  ${name} (${since(startMs)})`);
  if (!result.ok) console.log(`${result.output}\n${result.reason}`);
  return result.ok;
}

main().catch((error) => {
  console.error(`check: ${error.message}`);
  process.exitCode = 1;
});
