/** MariaDB for tests. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { findProgram, Instance, run } from "./instance.ts";
import type { Server, ServerFaults, ServerKind } from "./server.ts";

export const mariadb: ServerKind = {
  name: "MariaDB",
  variable: "SKEIN_TEST_MARIADB",
  install: "mariadb-server",
  isInstalled: () => programs() !== undefined,
  async create() {
    const found = programs();
    if (found === undefined) throw new Error("MariaDB is not installed");
    const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
    const instance = await Instance.create({
      name: "mariadb",
      prepare({ folder }) {
        // A server that starts removes the temporary tables of all others in the same folder.
        mkdirSync(join(folder, "tmp"));
        run([
          found.install,
          "--no-defaults",
          ...asRoot,
          `--datadir=${join(folder, "data")}`,
          `--tmpdir=${join(folder, "tmp")}`,
          "--auth-root-authentication-method=normal",
          "--skip-test-db",
        ]);
      },
      command: ({ folder, port }) => [
        found.server,
        "--no-defaults",
        ...asRoot,
        `--datadir=${join(folder, "data")}`,
        `--tmpdir=${join(folder, "tmp")}`,
        `--socket=${join(folder, "socket")}`,
        `--pid-file=${join(folder, "pid")}`,
        `--port=${port}`,
        "--bind-address=127.0.0.1",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-log-file-size=8M",
        "--skip-log-bin",
        "--max-connections=400",
      ],
      probe: (port) => ask(`mysql://root@127.0.0.1:${port}/mysql`, "select 1"),
    });
    const url = `mysql://root@127.0.0.1:${instance.port}/mysql`;
    return serve(url, instance, () => instance.dispose());
  },
  async attach(url) {
    await ask(url, "select 1");
    return serve(url, undefined, async () => undefined);
  },
};

function serve(url: string, faults: ServerFaults | undefined, end: () => Promise<void>): Server {
  const made: string[] = [];
  return {
    url,
    port: Number(new URL(url).port || 3306),
    faults,
    async newDatabase() {
      const name = `skein_test_${process.pid}_${made.length}_${Date.now().toString(36)}`;
      await ask(url, `create database ${name}`);
      made.push(name);
      const at = new URL(url);
      at.pathname = `/${name}`;
      return at.href;
    },
    async dispose() {
      if (faults === undefined) {
        for (const name of made) await ask(url, `drop database ${name}`);
      }
      await end();
    },
  };
}

/** Runs one statement as the administrator. */
export async function ask(url: string, statement: string): Promise<void> {
  await rowsOf(url, statement);
}

/** Runs one statement and returns its rows. */
export async function rowsOf(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: 5000 });
  connection.on("error", () => undefined);
  try {
    const [rows] = await connection.query(statement);
    return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
  } finally {
    await connection.end();
  }
}

function programs(): { server: string; install: string } | undefined {
  const server = findProgram("mariadbd");
  const install = findProgram("mariadb-install-db");
  return server === undefined || install === undefined ? undefined : { server, install };
}
