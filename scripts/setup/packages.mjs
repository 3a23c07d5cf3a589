/**
 * The dependencies in node_modules: whether they are those of package-lock.json, and how they
 * get there. A stamp inside node_modules names the lock they were installed from; an install
 * that somebody made by hand is recognised by npm's own record and left as it is.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { progress, say, since } from "./notes.mjs";
import { run } from "./run.mjs";

const INSTALL_LIMIT_MS = 10 * 60_000;
const SHOWN_LINES = 40;

/** @param {string} root @returns {string} "" when all is installed, else why not. */
export function whyInstall(root) {
  const lock = readJson(join(root, "package-lock.json"));
  if (!lock) return "package-lock.json is missing or unreadable";
  const wanted = wantedFolders(lock);
  if (!existsSync(join(root, "node_modules"))) return "node_modules is missing";
  const absent = wanted.filter((folder) => !existsSync(join(root, folder, "package.json")));
  if (absent.length > 0) return `${absent.length} packages are missing, ${absent[0]} first`;
  if (readText(stampFile(root)) === stampOf(root)) return "";
  const record = readJson(join(root, "node_modules/.package-lock.json"));
  const other = wanted.find(
    (folder) => record?.packages?.[folder]?.version !== lock.packages[folder].version,
  );
  if (other) return `${other} is not of the version in package-lock.json`;
  writeFileSync(stampFile(root), stampOf(root));
  return "";
}

/** @param {string} root @param {string} reason */
export async function install(root, reason) {
  const lock = readJson(join(root, "package-lock.json"));
  if (!lock) throw new Error("package-lock.json is missing or unreadable: check it out again");
  const wanted = wantedFolders(lock);
  say(`${reason}: installing ${wanted.length} packages by npm ci`);
  const startMs = Date.now();
  const done = progress(() => {
    const here = wanted.filter((folder) => existsSync(join(root, folder, "package.json"))).length;
    return `npm ci: ${here} of ${wanted.length} packages`;
  });
  const [command, ...args] = npmCommand();
  const result = await run(
    command,
    [...args, "ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=warn"],
    { cwd: root, timeoutMs: INSTALL_LIMIT_MS },
  );
  done();
  if (!result.ok) {
    const tail = result.output.split("\n").slice(-SHOWN_LINES).join("\n");
    throw new Error(
      `npm ci failed (${result.reason}) after ${since(startMs)}:\n${tail}\n` +
        "Is the package registry reachable (npm ping)?",
    );
  }
  writeFileSync(stampFile(root), stampOf(root));
  say(`installed ${wanted.length} packages in ${since(startMs)}`);
}

/** The folders that an install on this machine must have. */
function wantedFolders(lock) {
  const fits = (list, own) => !list || list.includes(own);
  return Object.entries(lock.packages)
    .filter(([folder, entry]) => {
      if (folder === "") return false;
      if (!entry.optional) return true;
      // Native parts: those of this machine. The C library cannot be told cheaply: left out.
      if (!entry.os || !entry.cpu || entry.libc || /musl|gnu/.test(folder)) return false;
      return fits(entry.os, process.platform) && fits(entry.cpu, process.arch);
    })
    .map(([folder]) => folder);
}

/** npm as it called us, else the one on the path. Yarn and pnpm call us by other names. */
function npmCommand() {
  const caller = process.env.npm_execpath;
  if (caller && basename(caller) === "npm-cli.js") return [process.execPath, caller];
  return [process.platform === "win32" ? "npm.cmd" : "npm"];
}

function stampFile(root) {
  return join(root, "node_modules/.setup-stamp");
}

/** Native parts differ by platform, so a folder that was copied from elsewhere does not pass. */
function stampOf(root) {
  const lock = readFileSync(join(root, "package-lock.json"));
  const sum = createHash("sha256").update(lock).digest("hex");
  return `${sum} ${process.platform} ${process.arch}\n`;
}

function readText(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function readJson(file) {
  try {
    return JSON.parse(readText(file));
  } catch {
    return undefined;
  }
}
