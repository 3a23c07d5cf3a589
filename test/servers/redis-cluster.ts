/** A Redis Cluster of three masters for tests. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { findProgram, Instance } from "./instance.ts";
import { ask } from "./redis.ts";
import type { ServerKind } from "./server.ts";

const MASTERS = 3;
/** The nodes of a cluster wait for each other without a limit of their own. */
const LIMIT_MS = 60_000;

export const redisCluster: ServerKind = {
  name: "Redis Cluster",
  variable: "SKEIN_TEST_REDIS_CLUSTER",
  install: "redis-server redis-tools",
  isInstalled: () => program() !== undefined && manager() !== undefined,
  async create() {
    const [found, cli] = [program(), manager()];
    if (found === undefined || cli === undefined) throw new Error("Redis is not installed");
    const instances: Instance[] = [];
    const dispose = async () => {
      for (const instance of instances) await instance.dispose();
    };
    try {
      while (instances.length < MASTERS) instances.push(await startNode(found));
      const nodes = instances.map(({ port }) => `127.0.0.1:${port}`);
      await promisify(execFile)(cli, ["--cluster", "create", ...nodes, "--cluster-yes"], {
        timeout: LIMIT_MS,
      });
    } catch (error) {
      await dispose();
      throw error;
    }
    const port = instances[0]?.port ?? 0;
    const url = `redis://127.0.0.1:${port}`;
    return { url, port, faults: undefined, newDatabase: async () => url, dispose };
  },
  async attach(url) {
    const port = Number(new URL(url).port);
    return { url, port, faults: undefined, newDatabase: async () => url, dispose: async () => {} };
  },
};

async function startNode(found: string): Promise<Instance> {
  const busPort = await freePort();
  return Instance.create({
    name: "redis-cluster",
    command: ({ folder, port }) => [
      found,
      ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
      ...["--save", "", "--appendonly", "no", "--cluster-enabled", "yes"],
      ...["--cluster-port", String(busPort)],
    ],
    probe: (port) => ask(port, "PING"),
  });
}

function program(): string | undefined {
  return findProgram("redis-server", "valkey-server");
}

function manager(): string | undefined {
  return findProgram("redis-cli", "valkey-cli");
}
