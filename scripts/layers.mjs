/**
 * The architecture, checked: who may import whom in src/, and what a pure file may not do. The
 * table below is the drawing of ARCHITECTURE.md; the linter has the rules that it can express.
 *
 *   node scripts/layers.mjs [folder]     checks folder/src (default: this repository)
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { blankComments, blankStrings } from "./layers/scan.mjs";

/** Without IO, but for the clock: everybody imports them, they import one another only. */
const LEAVES = ["bytes.ts", "errors.ts", "runtime.ts", "standard-schema.ts", "system-clock.ts"];
/** The one leaf that asks the machine: pure files may not import it. */
const IMPURE_LEAF = "src/system-clock.ts";
/** What users import. They name things of the layers; index.ts does nothing else. */
const FACES = ["index.ts", "testing.ts", "persistent.ts", "persistent-testing.ts", "transient.ts"];
/** Each folder and the folders it may import, beside itself and the leaves. */
const LAYERS = {
  tables: [],
  cluster: [],
  sql: [],
  discovery: ["sql"],
  persistent: ["sql"],
  transient: ["tables"],
  node: ["tables", "cluster", "sql", "discovery", "persistent", "transient"],
  testing: ["cluster", "node"],
  cli: ["node"],
  dashboard: ["node"],
};
/** What others than `node` may import of the tables: the face that users hold. */
const PUBLIC_TABLES =
  /^src\/tables\/(bag-table|call-options|write-calls|serial-calls|watch|change|table(?!s\.|-state)[a-z-]*)\.ts$/;
/** Files without clock, timer, randomness, IO and promises. */
const PURE = [
  /^src\/tables\//,
  /^src\/cluster\/(membership|failure-detector)\.ts$/,
  /^src\/discovery\/schedule\.ts$/,
];
/** Pure, but for the promises that users wait for. */
const MAY_PROMISE = PUBLIC_TABLES;
/** Packages that pure files may import: they only compute. */
const PURE_PACKAGES = ["msgpackr"];
/** Packages that few files alone may import: the package, the files, and how to call them. */
const OWNERS = { ws: [/^src\/cluster\/ws-[a-z-]+\.ts$/, "src/cluster/ws-*.ts"] };

const IMPURE = [
  [/\bMath\.random\b/, "Math.random: randomness is handed in"],
  [/\bDate\.now\b/, "Date.now: time is handed in"],
  [/\bnew Date\(\s*\)/, "new Date(): time is handed in"],
  [/(?<![.#\w])(?<!new )Date\(/, "Date(): time is handed in"],
  [/(?<![.#\w])(?:set|clear)(?:Timeout|Interval|Immediate)\b/, "a timer: time is handed in"],
  [/(?<![.#\w])(?:queueMicrotask|structuredClone|fetch)\(/, "a global of the host"],
  [/(?<![.#\w])globalThis\b/, "globalThis: nothing is reached by a back door"],
  [/(?<![.#\w])process\./, "process: nothing of the process is read"],
];
const PROMISES = [
  [/\bPromise\b/, "Promise: the core answers by calls, only its face makes promises"],
  [/(?<![.#\w])async\b(?!\s*[:?=,)])/, "async: the core answers by calls"],
  [/(?<![.#\w])await\b/, "await: the core answers by calls"],
];
const IMPORT =
  /(?:^|[;}\n])\s*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;

/**
 * Every fault under `root`/src, as "file:line: message".
 * @param {string} root
 * @returns {string[]}
 */
export function checkLayers(root) {
  return filesUnder(join(root, "src"))
    .filter((file) => file.endsWith(".ts"))
    .map((file) => relative(root, file).split(sep).join("/"))
    .flatMap((file) => checkFile(root, file, readFileSync(join(root, file), "utf8")));
}

function checkFile(root, file, source) {
  const faults = [];
  const report = (offset, message) => {
    faults.push(`${file}:${source.slice(0, offset).split("\n").length}: ${message}`);
  };
  const withoutComments = blankComments(source);
  const code = blankStrings(withoutComments);
  if (!/^(#!.*\n)?\s*\/\*\*/.test(source)) report(0, "does not open with a comment of its duty");
  const layer = layerOf(file);
  if (!layer) {
    report(
      0,
      `is in no layer: folders are ${Object.keys(LAYERS).join(", ")}; see the top of scripts/layers.mjs`,
    );
    return faults;
  }
  for (const match of withoutComments.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2];
    const fault = importFault(root, file, layer, specifier);
    if (fault) report(match.index + match[0].indexOf(specifier), fault);
  }
  if (file === "src/index.ts") {
    for (const [offset, text] of statementsBeyondNames(withoutComments)) {
      report(offset, `lists names only, but has: ${text}`);
    }
  }
  if (PURE.some((pattern) => pattern.test(file))) {
    const rules = MAY_PROMISE.test(file) ? IMPURE : [...IMPURE, ...PROMISES];
    for (const [pattern, message] of rules) {
      for (const match of code.matchAll(new RegExp(pattern, "g"))) {
        report(match.index, `is pure, but uses ${message}`);
      }
    }
  }
  return faults;
}

/** "leaf", "face", the folder's name, or undefined for a file that nobody planned. */
function layerOf(file) {
  const parts = file.split("/").slice(1);
  if (parts.length > 1) return Object.hasOwn(LAYERS, parts[0]) ? parts[0] : undefined;
  if (LEAVES.includes(parts[0])) return "leaf";
  return FACES.includes(parts[0]) ? "face" : undefined;
}

function importFault(root, file, layer, specifier) {
  if (!specifier.startsWith(".")) return packageFault(file, layer, specifier);
  const target = posix.join(posix.dirname(file), specifier);
  if (!target.startsWith("src/")) {
    const isPackageJson = target === "package.json";
    return isPackageJson ? undefined : `imports ${target}, which is not part of the package`;
  }
  if (!existsSync(join(root, target))) return `imports ${target}, which does not exist`;
  if (!target.endsWith(".ts")) return undefined;
  const other = layerOf(target);
  if (target === IMPURE_LEAF && PURE.some((pattern) => pattern.test(file))) {
    return `is pure and imports ${target}: time and randomness are handed in`;
  }
  if (other === "leaf" || layer === "face") return undefined;
  if (layer === "leaf") return `is a leaf and imports ${target}: leaves import leaves only`;
  if (other === "face") return `imports ${target}, a face made for users: import what it names`;
  if (other === layer) return undefined;
  if (!other || !LAYERS[layer].includes(other)) {
    const allowed = [...LAYERS[layer], "the leaves"].join(", ");
    return `is of ${layer} and imports ${target}: ${layer} imports ${allowed}`;
  }
  if (layer !== "node" && other === "tables" && !PUBLIC_TABLES.test(target)) {
    return `is of ${layer} and imports ${target}: only the tables' public face is allowed`;
  }
  return undefined;
}

function packageFault(file, layer, specifier) {
  const name = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  const owner = Object.hasOwn(OWNERS, name) ? OWNERS[name] : undefined;
  if (owner && !owner[0].test(file)) return `imports ${name}: only ${owner[1]} do`;
  if (layer === "leaf" && file !== IMPURE_LEAF) {
    return `is a leaf and imports ${specifier}: leaves import leaves only`;
  }
  const pure = PURE.some((pattern) => pattern.test(file));
  if (pure && !PURE_PACKAGES.includes(name)) {
    return `is pure and imports ${specifier}: allowed are ${PURE_PACKAGES.join(", ")}`;
  }
  return undefined;
}

/** What remains of a face when all its "export … from" lines are taken away. */
function statementsBeyondNames(code) {
  const names = /export\s+(?:type\s+)?\{[^}]*\}\s*from\s*["'][^"']+["'];?/g;
  const rest = code.replace(names, (text) => text.replace(/[^\n]/g, " "));
  return [...rest.matchAll(/\S[^\n]*/g)].map((match) => [match.index, match[0].slice(0, 60)]);
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    })
    .sort();
}

function main() {
  const root = process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url)));
  const faults = checkLayers(root);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
