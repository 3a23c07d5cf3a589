/** scripts/setup.mjs in small repositories of its own. No registry: packages come from files. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Outcome, TemporaryRepository } from "./temporary-repository.ts";

const SCRIPTS = ["scripts/setup.mjs", "scripts/setup"];
const ESM = '{ "name": "small", "version": "1.0.0", "type": "module" }';
const EMPTY_LOCK = '{ "lockfileVersion": 3, "packages": { "": {} } }';

let repository: TemporaryRepository;
const setup = (...args: readonly string[]): Promise<Outcome> =>
  repository.node("scripts/setup.mjs", ...args);

describe("setup build", () => {
  let fresh: TemporaryRepository;
  let built: TemporaryRepository;
  let first: Outcome;

  beforeAll(async () => {
    fresh = new TemporaryRepository([...SCRIPTS, "tsconfig.json", "tsconfig.build.json"]);
    fresh.write("package.json", ESM);
    fresh.write("package-lock.json", EMPTY_LOCK);
    fresh.write("src/one.ts", 'import { two } from "./two.ts";\nconsole.log(two);\n');
    fresh.write("src/two.ts", "export const two: number = 2;\n");
    fresh.write("src/page.html", "<p>two</p>\n");
    fresh.linkPackages("typescript", "@types/node", "undici-types");
    built = new TemporaryRepository(["."], fresh.root);
    first = await built.node("scripts/setup.mjs", "build");
  });
  afterAll(() => {
    fresh.remove();
    built.remove();
  });
  afterEach(() => repository.remove());

  /** Each test changes a copy of its own. */
  const copyOf = (other: TemporaryRepository): void => {
    repository = new TemporaryRepository(["."], other.root);
  };

  it("compiles what runs, copies data files, and is silent the second time", async () => {
    copyOf(built);
    expect(first.output).toMatch(/setup: compiled 2 files to dist\/ in \d+\.\d s\n$/);
    expect(first.code).toBe(0);
    expect((await repository.node("dist/one.js")).output).toBe("2\n");
    expect(readFileSync(repository.path("dist/page.html"), "utf8")).toBe("<p>two</p>\n");
    expect(existsSync(repository.path("dist/two.d.ts"))).toBe(true);
    expect(await setup("build")).toEqual({ code: 0, output: "" });
  });

  it("compiles again when a source has changed, also back in time", async () => {
    copyOf(built);
    repository.write("src/two.ts", "export const two: number = 22;\n");
    expect((await setup("build")).output).toContain("sources are newer than dist/");
    expect((await repository.node("dist/one.js")).output).toBe("22\n");
  });

  it("removes what no source stands for any more, and makes again what was lost", async () => {
    copyOf(built);
    repository.write("src/one.ts", "console.log(1);\n");
    rmSync(repository.path("src/two.ts"));
    rmSync(repository.path("src/page.html"));
    expect((await setup("build")).output).toContain("removed 4 files without a source");
    expect(existsSync(repository.path("dist/two.js"))).toBe(false);
    rmSync(repository.path("dist/one.js"));
    expect((await setup("build")).output).toContain("dist/one.js is missing");
    expect((await repository.node("dist/one.js")).output).toBe("1\n");
  });

  it("shows the compiler's errors, fails, and leaves the last good output", async () => {
    copyOf(built);
    repository.write("src/two.ts", 'export const two: number = "two";\n');
    const { code, output } = await setup("build");
    expect(output).toContain("src/two.ts(1,14): error TS2322");
    expect(code).toBe(1);
    expect((await repository.node("dist/one.js")).output).toBe("2\n");
    expect((await setup("build")).code).toBe(1);
  });

  it("refuses what it does not know", async () => {
    copyOf(fresh);
    const { code, output } = await setup("biuld");
    expect(output).toBe('setup: unknown arguments "biuld"; allowed is nothing, build or tools\n');
    expect(code).toBe(1);
  });

  it("tells an old Node which one is needed", async () => {
    copyOf(fresh);
    repository.write(
      "old.mjs",
      `Object.defineProperty(process, "versions", { value: { node: "20.18.1" } });
      await import("./scripts/setup.mjs");`,
    );
    const { code, output } = await repository.node("old.mjs");
    expect(output).toContain("setup: Skein needs Node.js 20.19 or newer, this is 20.18.1");
    expect(code).toBe(1);
  });

  it("lets one of two at once do the work", async () => {
    copyOf(fresh);
    const both = await Promise.all([setup("build"), setup("build")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const said = both.map(({ output }) => output).join("");
    expect(said.match(/compiled 2 files/g)).toHaveLength(1);
    expect((await repository.node("dist/one.js")).output).toBe("2\n");
    expect(existsSync(repository.path("build/.setup-lock"))).toBe(false);
  });

  it("takes over the lock of a setup that was killed", async () => {
    copyOf(fresh);
    const dead = await repository.node("-p", "process.pid + ' ' + os.hostname()");
    const [pid, host] = dead.output.trim().split(" ");
    repository.write("build/.setup-lock/owner.json", JSON.stringify({ pid: Number(pid), host }));
    const { code, output } = await setup("build");
    expect(output).toContain("compiled 2 files");
    expect(code).toBe(0);
  });

  it("waits for the lock of a setup that lives, and gives up in the end", async () => {
    copyOf(fresh);
    repository.write(
      "wait.mjs",
      `import { withLock } from "./scripts/setup/lock.mjs";
      const folder = process.argv[2];
      await withLock(folder, () =>
        withLock(folder, async () => console.log("both"), { waitMs: 500 }).catch((error) =>
          console.log(error.message),
        ),
      );`,
    );
    const { output } = await repository.node("wait.mjs", "lock");
    expect(output).toMatch(/another setup \(process \d+ on .*\) has held lock for too long/);
    expect(output).not.toContain("both");
    expect(existsSync(repository.path("lock"))).toBe(false);
  });
});

describe("setup of packages", () => {
  beforeAll(async () => {
    repository = new TemporaryRepository(SCRIPTS);
    repository.write("part/package.json", '{ "name": "part", "version": "1.2.3" }');
    repository.write("part/index.js", "module.exports = 3;");
    const packed = await repository.run("npm", ["pack", "./part", "--silent"]);
    expect(packed.output).toContain("part-1.2.3.tgz");
    const dependencies = { part: "file:part-1.2.3.tgz" };
    repository.write("package.json", JSON.stringify({ ...JSON.parse(ESM), dependencies }));
    const locked = await repository.run("npm", ["install", "--package-lock-only", "--offline"]);
    expect(locked.code).toBe(0);
    rmSync(repository.path("node_modules"), { recursive: true, force: true });
  });
  afterAll(() => repository.remove());

  it("installs into an empty clone and says so, then is silent", async () => {
    const { code, output } = await setup();
    expect(output).toContain("setup: node_modules is missing: installing 1 packages by npm ci");
    expect(output).toMatch(/setup: installed 1 packages in \d+\.\d s\n$/);
    expect(code).toBe(0);
    expect(existsSync(repository.path("node_modules/part/index.js"))).toBe(true);
    expect(await setup()).toEqual({ code: 0, output: "" });
  });

  it("repeats an install of which a part is missing", async () => {
    rmSync(repository.path("node_modules/part"), { recursive: true });
    const { code, output } = await setup();
    expect(output).toContain("1 packages are missing, node_modules/part first");
    expect(code).toBe(0);
    expect(existsSync(repository.path("node_modules/part/index.js"))).toBe(true);
  });

  it("leaves an install alone that somebody made by npm", async () => {
    rmSync(repository.path("node_modules"), { recursive: true });
    expect((await repository.run("npm", ["ci", "--offline"])).code).toBe(0);
    expect(await setup()).toEqual({ code: 0, output: "" });
  });

  it("installs again when the lock names another version", async () => {
    const lock = readFileSync(repository.path("package-lock.json"), "utf8");
    repository.write("package-lock.json", lock.replaceAll("1.2.3", "1.2.4"));
    const { code, output } = await setup();
    expect(output).toContain("node_modules/part is not of the version in package-lock.json");
    expect(output).toContain("npm ci failed");
    expect(code).toBe(1);
    repository.write("package-lock.json", lock);
    expect((await setup()).code).toBe(0);
  });
});
