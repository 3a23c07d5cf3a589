/**
 * SQLite's drivers that are to be had here. SKEIN_TEST_PACKAGES may name a folder in whose
 * node_modules one of them was installed for the tests.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { MissingDriverError } from "../../src/errors.ts";
import {
  type LoadPackage,
  loadSqlite,
  SQLITE_DRIVERS,
  type SqliteDriverName,
} from "../../src/sql/sqlite/sqlite-package.ts";

/** Looks into that folder first. */
export const loadForTests: LoadPackage = async (name) => {
  const folder = process.env.SKEIN_TEST_PACKAGES;
  if (folder === undefined || name !== "better-sqlite3") return import(/* @vite-ignore */ name);
  return { default: createRequire(join(folder, "package.json"))(name) };
};

/**
 * A group of tests for each of them. Where one is not to be had there is one test in its place,
 * whose name says so: it shows what is told to somebody who has chosen that driver.
 */
export function withSqliteDrivers(tests: (name: SqliteDriverName) => void): void {
  for (const { name, missing } of found) {
    describe(`SQLite by ${name}`, () => {
      if (missing === undefined) return tests(name);
      test(`is not to be had here, untested, and says what to do: ${missing}`, async () => {
        await expect(loadSqlite(name, loadForTests)).rejects.toThrow(MissingDriverError);
      });
    });
  }
}

const found = await Promise.all(
  SQLITE_DRIVERS.map(async (name) => ({
    name,
    missing: await loadSqlite(name, loadForTests).then(
      (open) => {
        // A package may be there without the binary that it needs.
        open(":memory:").close();
        return undefined;
      },
      (error: unknown) => String(error),
    ),
  })),
);
