/**
 * Makes a fresh clone ready: `node scripts/setup.mjs [build|tools]`. Needs Node and the package
 * registry only. Installs what package-lock.json names if it is not there, compiles to dist/
 * (`build`) or build/ (`tools`) if the sources have changed, and is silent if there is nothing
 * to do. npm's scripts run it before everything else.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED = [20, 19];

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return;
  throw new Error(
    `Skein needs Node.js ${NEEDED.join(".")} or newer, this is ${process.versions.node} ` +
      `(${process.execPath}). Install a newer one, for example from https://nodejs.org`,
  );
}

async function main() {
  checkNode();
  // Loaded after the check: an old Node must get the message above and no syntax error.
  const { whyInstall, install } = await import("./setup/packages.mjs");
  const { TARGETS, whyCompile, compile } = await import("./setup/compile.mjs");
  const { withLock } = await import("./setup/lock.mjs");
  const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[/\\]$/, "");
  const [name, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (name !== undefined && !Object.hasOwn(TARGETS, name))) {
    throw new Error(
      `unknown arguments "${process.argv.slice(2).join(" ")}"; ` +
        `allowed is nothing, ${Object.keys(TARGETS).join(" or ")}`,
    );
  }
  if (!existsSync(join(root, "package.json"))) throw new Error(`no package.json in ${root}`);
  const target = name === undefined ? undefined : TARGETS[name];
  const isReady = () => !whyInstall(root) && (!target || !whyCompile(root, target));
  if (isReady()) return;
  await withLock(join(root, "build/.setup-lock"), async () => {
    // Asked again under the lock: another setup may just have done it.
    const missing = whyInstall(root);
    if (missing) await install(root, missing);
    const outdated = target && whyCompile(root, target);
    if (outdated) await compile(root, target, outdated);
  });
}

main().catch((error) => {
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 1;
});
