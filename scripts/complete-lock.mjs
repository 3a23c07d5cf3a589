/**
 * Completes package-lock.json: adds the native packages of other platforms that npm left out.
 *
 * npm drops an optional package from the lock when the registry in use does not carry it (a
 * mirror often has Linux only), and afterwards `npm ci` refuses that very lock on every machine.
 * Run this after a change of dependencies: `node scripts/complete-lock.mjs`. The entries it adds
 * have no checksum, because the file was not there to be summed; npm installs each of them on
 * its own platform only. `--check` changes nothing and fails if an entry is missing.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "win32"];
const PROCESSORS = ["arm64", "arm", "ia32", "ppc64", "riscv64", "s390x", "x64"];

/**
 * Adds what is missing to a parsed lock and returns the names.
 * @param {{ packages: Record<string, any> }} lock
 * @returns {string[]}
 */
export function completeLock(lock) {
  const added = [];
  for (const [folder, owner] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
      const target = `node_modules/${name}`;
      if (lock.packages[target] || lock.packages[`${folder}/${target}`]) continue;
      lock.packages[target] = entryFor(name, version, owner);
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(
    // The order that npm writes, so that its next run does not move lines.
    Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
  );
  return added;
}

/** What npm would have written, but for the checksum. */
function entryFor(name, version, owner) {
  const words = name.split("/").at(-1).split("-");
  const system = SYSTEMS.find((each) => words.includes(each));
  const processor = PROCESSORS.find((each) => words.includes(each));
  if (!system || !processor || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`${name}@${version} is not in the lock, and its name tells no platform`);
  }
  const libc = words.includes("musl") ? ["musl"] : undefined;
  return {
    version,
    cpu: [processor],
    ...(owner.dev ? { dev: true } : {}),
    ...(libc ? { libc } : {}),
    ...(owner.license ? { license: owner.license } : {}),
    optional: true,
    os: [system],
    ...(owner.engines ? { engines: owner.engines } : {}),
  };
}

function main() {
  const file = join(fileURLToPath(new URL("..", import.meta.url)), "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const added = completeLock(lock);
  if (added.length === 0) {
    console.log("package-lock.json is complete");
  } else if (process.argv.includes("--check")) {
    console.error(
      `package-lock.json lacks ${added.join(", ")}: run node scripts/complete-lock.mjs`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    console.log(`package-lock.json: added ${added.join(", ")}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
