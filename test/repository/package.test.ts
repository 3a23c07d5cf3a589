/** package.json, its lock and the files around it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface LockEntry {
  readonly version: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe("package.json", () => {
  const description = JSON.parse(read("package.json"));

  it("names an ESM package under Apache-2.0 for Node 20.19 and newer", () => {
    const { name, type, license, engines } = description;
    expect({ name, type, license, engines }).toEqual({
      name: "skein",
      type: "module",
      license: "Apache-2.0",
      engines: { node: ">=20.19" },
    });
    expect(read("LICENSE")).toMatch(/Apache License\s+Version 2\.0, January 2004/);
    expect(read("LICENSE")).toContain("END OF TERMS AND CONDITIONS");
  });

  it("pins every dependency to one version", () => {
    const all = { ...description.dependencies, ...description.devDependencies };
    for (const [name, version] of Object.entries(all)) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it("names scripts that exist", () => {
    for (const command of Object.values<string>(description.scripts)) {
      for (const [, file] of command.matchAll(/\b(scripts\/\S+)/g)) {
        expect(existsSync(join(root, file ?? "")), command).toBe(true);
      }
    }
  });

  it("has a changelog entry for its version", () => {
    expect(read("CHANGELOG.md")).toContain(`## ${description.version}`);
  });
});

describe("package-lock.json", () => {
  const lock: { packages: Record<string, LockEntry> } = JSON.parse(read("package-lock.json"));

  it("holds the native packages of all platforms, so that npm ci works on each", () => {
    for (const [folder, entry] of Object.entries(lock.packages)) {
      for (const name of Object.keys(entry.optionalDependencies ?? {})) {
        const found = lock.packages[`node_modules/${name}`] ?? lock.packages[`${folder}/${name}`];
        expect(found?.version, name).toMatch(/^\d+\.\d+\.\d+$/);
      }
    }
  });

  it("names no place to download from, so that each user's registry serves", () => {
    expect(read("package-lock.json")).not.toContain("https://registry");
    expect(read("package-lock.json")).not.toContain('"resolved"');
  });
});

describe("documents", () => {
  const made = new Set(["node_modules", "dist", "build", "coverage", ".git"]);
  const documents = readdirSync(root, { withFileTypes: true })
    .filter((entry) => !made.has(entry.name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(join(root, entry.name), { recursive: true, encoding: "utf8" }).map((path) =>
            join(entry.name, path),
          )
        : [entry.name],
    )
    .filter((path) => path.endsWith(".md"));

  it.each(documents)("%s links to files that exist", (document) => {
    for (const [, target] of read(document).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      const path = join(root, dirname(document), target ?? "");
      expect(existsSync(path), `${document} links to ${target}`).toBe(true);
    }
  });
});
