/** The architecture's rules, each broken once in a copy of the sources. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TemporaryRepository } from "./temporary-repository.ts";

const duty = "/** A planted file. */\n";

/** Path, content, and what the check must say of it. */
const FAULTS: readonly (readonly [path: string, content: string, message: string])[] = [
  ["tables/p1.ts", 'import "../cluster/transport.ts";', "is of tables and imports src/cluster/"],
  ["cluster/p2.ts", 'import type { Key } from "../tables/key.ts";', "is of cluster and imports"],
  ["cluster/p3.ts", 'export * from "../discovery/p4.ts";', "is of cluster and imports"],
  ["discovery/p4.ts", 'await import("../cluster/transport.ts");', "is of discovery and imports"],
  ["persistent/p5.ts", 'import "../tables/key.ts";', "is of persistent and imports"],
  ["node/p6.ts", 'import "../cli/p7.ts";', "is of node and imports src/cli/p7.ts"],
  ["cli/p7.ts", 'import "../tables/key.ts";', "is of cli and imports src/tables/key.ts"],
  ["dashboard/p8.ts", 'import "../cluster/transport.ts";', "is of dashboard and imports"],
  ["transient/p9.ts", 'import "../tables/key.ts";', "only the tables' public face"],
  ["transient/p25.ts", 'import "../tables/table-state.ts";', "only the tables' public face"],
  ["transient/p10.ts", 'import "../node/p6.ts";', "is of transient and imports"],
  ["bytes.ts", 'import "./tables/key.ts";', "is a leaf and imports src/tables/key.ts"],
  ["runtime.ts", 'import { readFile } from "node:fs";', "is a leaf and imports node:fs"],
  ["index.ts", 'import "./errors.ts";\nexport const one = 1;', "lists names only"],
  ["cli/p11.ts", 'import { startNode } from "../index.ts";', "a face made for users"],
  ["drawer.ts", "", "is in no layer"],
  ["utils/drawer.ts", "", "is in no layer"],
  ["node/p12.ts", 'import WebSocket from "ws";', "only src/cluster/ws-*.ts do"],
  ["node/p13.ts", 'import "./absent.ts";', "src/node/absent.ts, which does not exist"],
  ["node/p14.ts", 'import "../../test/sim/main.ts";', "which is not part of the package"],
  ["tables/p15.ts", 'import { readFileSync } from "node:fs";', "is pure and imports node:fs"],
  ["tables/p16.ts", 'import pg from "pg";', "is pure and imports pg"],
  ["tables/p17.ts", "export const pick = () => Math.random();", "uses Math.random"],
  ["tables/p18.ts", "export const now = () => Date.now();", "uses Date.now"],
  ["tables/p19.ts", "export const now = () => new Date();", "uses new Date()"],
  ["tables/p20.ts", "setTimeout(() => {}, 1);", "uses a timer"],
  ["tables/p21.ts", "export const id = process.pid;", "uses process"],
  ["tables/p22.ts", "export const wait = async () => {};", "uses async"],
  ["tables/p23.ts", "export const wait = () => Promise.resolve();", "uses Promise"],
  ["tables/p24.ts", "export const now = globalThis.performance;", "uses globalThis"],
  ["tables/p26.ts", 'import "../system-clock.ts";', "is pure and imports src/system-clock.ts"],
  ["cluster/membership.ts", "setInterval(() => {}, 1);", "uses a timer"],
  ["discovery/schedule.ts", "export const now = Date.now();", "uses Date.now"],
];

/** What is allowed, though it looks like one of the above. */
const LEGAL: readonly (readonly [path: string, content: string])[] = [
  ["tables/table-planted.ts", "export const wait = (): Promise<void> => Promise.resolve();"],
  ["tables/l1.ts", 'import { Packr } from "msgpackr";\nimport "../errors.ts";\nimport "./key.ts";'],
  [
    "tables/l2.ts",
    "// Math.random() and Date.now() and await\nexport const text = 'setTimeout(1)';",
  ],
  ["tables/l3.ts", "export const day = (ms: number): Date => new Date(ms);"],
  [
    "tables/l4.ts",
    `export const ratio = \`process.env \${1 / 2}\`;\nexport const re = /"Promise/;`,
  ],
  [
    "tables/l5.ts",
    "export const stop = (timer: Record<string, unknown>): unknown => timer.clearTimeout;",
  ],
  ["transient/l6.ts", 'import type { Table } from "../tables/table.ts";'],
  ["node/l7.ts", 'import "../tables/key.ts";\nimport "../cluster/transport.ts";'],
  ["cli/l8.ts", 'import "../node/l7.ts";\nimport "../errors.ts";\nimport "node:fs";'],
  ["cluster/l9.ts", "export const soon = async (): Promise<number> => Date.now();"],
];

describe("layers", () => {
  const clean = new TemporaryRepository(["src", "scripts/layers.mjs", "scripts/layers"]);
  const broken = new TemporaryRepository(["src", "scripts/layers.mjs", "scripts/layers"]);
  let faults: readonly string[] = [];

  beforeAll(async () => {
    for (const [path, content] of FAULTS) broken.write(`src/${path}`, `${duty}${content}\n`);
    faults = (await broken.node("scripts/layers.mjs")).output.trim().split("\n");
  });
  afterAll(() => {
    clean.remove();
    broken.remove();
  });

  it.each(FAULTS)("src/%s is reported for: %s", (path, _content, message) => {
    const own = faults.filter((fault) => fault.startsWith(`src/${path}:`));
    expect(own.join("\n")).toContain(message);
  });

  it("let pass what only looks like a fault", async () => {
    const before = await clean.node("scripts/layers.mjs");
    for (const [path, content] of LEGAL) clean.write(`src/${path}`, `${duty}${content}\n`);
    expect(await clean.node("scripts/layers.mjs")).toEqual(before);
  });

  it("ask each file to open with a comment of its duty", async () => {
    broken.write("src/node/silent.ts", "export const one = 1;\n");
    const { code, output } = await broken.node("scripts/layers.mjs");
    expect(output).toContain("src/node/silent.ts:1: does not open with a comment of its duty");
    expect(code).toBe(1);
  });
});

/** Rules of the linter: path, content, rule. */
const LINTS: readonly (readonly [path: string, content: string, rule: string])[] = [
  ["src/node/b1.ts", "export const one: any = 1;", "noExplicitAny"],
  ["src/node/b2.ts", "export default 1;", "noDefaultExport"],
  ["src/node/b3.ts", 'import { one } from "./b1.ts";', "noUnusedImports"],
  ["src/node/b4.ts", "const one = 1;", "noUnusedVariables"],
  [
    "src/node/b5.ts",
    `export function long(): void {\n${"  long();\n".repeat(75)}}`,
    "noExcessiveLinesPerFunction",
  ],
  ["src/node/b6.ts", "export const one = 1;\n".repeat(510), "noExcessiveLinesPerFile"],
  [
    "src/node/b7.ts",
    'import { b8 } from "./b8.ts";\nexport const b7 = () => b8;',
    "noImportCycles",
  ],
  [
    "src/node/b8.ts",
    'import { b7 } from "./b7.ts";\nexport const b8 = () => b7;',
    "noImportCycles",
  ],
  ["src/tables/b9.ts", 'import { readFile } from "node:fs";\nreadFile;', "noRestrictedImports"],
  ["src/tables/b10.ts", "setTimeout(() => {}, 1);", "noRestrictedGlobals"],
  ["src/node/CamelCase.ts", "export const one = 1;", "useFilenamingConvention"],
  ["src/node/b11.ts", "export enum One { Two }", "noEnum"],
];

describe("the linter", () => {
  const repository = new TemporaryRepository(["biome.json", ".gitignore"]);
  const biome = fileURLToPath(import.meta.resolve("@biomejs/biome/bin/biome"));
  let report = "";

  beforeAll(async () => {
    expect(existsSync(biome)).toBe(true);
    for (const [path, content] of LINTS) repository.write(path, `${duty}${content}\n`);
    const args = ["lint", "--reporter=github", "--max-diagnostics=none", "src"];
    report = (await repository.node(biome, ...args)).output;
  });
  afterAll(() => repository.remove());

  it.each(LINTS)("%s is an error for its content", (path, _content, rule) => {
    const own = report.split("\n").filter((line) => line.includes(`/${path},`));
    expect(own.filter((line) => line.startsWith("::error")).join("\n")).toContain(`/${rule}`);
  });

  it("lets a test's describe be as long as it is", async () => {
    repository.write(
      "test/long.test.ts",
      `export function long(): void {\n${"  long();\n".repeat(75)}}\n`,
    );
    expect((await repository.node(biome, "lint", "test")).code).toBe(0);
  });
});
