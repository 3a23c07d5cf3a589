/** PgBouncer in front of a PostgreSQL of the tests. */
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, Instance, unprivileged } from "./instance.ts";
import { ask, postgres } from "./postgres.ts";
import { openServer, type Server, type ServerKind } from "./server.ts";

export type PoolMode = "session" | "transaction" | "statement";

/**
 * A PgBouncer and, behind it, a PostgreSQL of its own or the one of the environment. Stopping it
 * stops the pooler alone.
 */
export function pgbouncer(mode: PoolMode): ServerKind {
  return {
    name: "PgBouncer",
    variable: "SKEIN_TEST_PGBOUNCER",
    install: "pgbouncer postgresql",
    isInstalled: () => findProgram("pgbouncer") !== undefined && isPostgresThere(),
    async create() {
      const behind = await openServer(postgres);
      try {
        const instance = await front(behind, mode);
        return serve({ behind, instance });
      } catch (error) {
        await behind.dispose();
        throw error;
      }
    },
    async attach(url) {
      await ask(url, "select 1");
      return {
        url,
        port: Number(new URL(url).port),
        faults: undefined,
        newDatabase: async () => url,
        dispose: async () => undefined,
      };
    },
  };
}

function isPostgresThere(): boolean {
  return Boolean(process.env[postgres.variable]) || postgres.isInstalled();
}

async function front(behind: Server, mode: PoolMode): Promise<Instance> {
  const program = findProgram("pgbouncer");
  if (program === undefined) throw new Error("PgBouncer is not installed");
  const account = unprivileged();
  const url = new URL(behind.url);
  const server = [
    `host=${url.hostname}`,
    `port=${behind.port}`,
    `user=${decodeURIComponent(url.username)}`,
    ...(url.password === "" ? [] : [`password=${decodeURIComponent(url.password)}`]),
  ].join(" ");
  return Instance.create({
    name: "pgbouncer",
    ...(account === undefined ? {} : { account }),
    prepare({ folder, port }) {
      const file = join(folder, "ini");
      writeFileSync(
        file,
        `[databases]\n* = ${server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
          `listen_port = ${port}\nunix_socket_dir =\nauth_type = any\npool_mode = ${mode}\n` +
          "default_pool_size = 3\nmax_client_conn = 500\nserver_login_retry = 1\n",
      );
      if (account !== undefined) chownSync(file, account.uid, account.gid);
    },
    command: ({ folder }) => [program, join(folder, "ini")],
    probe: (port) => ask(`postgres://postgres@127.0.0.1:${port}/postgres`, "select 1"),
    // Ends at once, without waiting for its clients.
    stopSignal: "SIGTERM",
  });
}

function serve(at: { readonly behind: Server; readonly instance: Instance }): Server {
  const through = (url: string) => {
    const front = new URL(url);
    front.hostname = "127.0.0.1";
    front.port = String(at.instance.port);
    return front.href;
  };
  return {
    url: through(at.behind.url),
    port: at.instance.port,
    faults: at.instance,
    newDatabase: async () => through(await at.behind.newDatabase()),
    async dispose() {
      await at.instance.dispose();
      await at.behind.dispose();
    },
  };
}
