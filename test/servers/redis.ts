/** Redis (or Valkey) for tests. */
import { connect } from "node:net";
import { findProgram, Instance } from "./instance.ts";
import type { Server, ServerFaults, ServerKind } from "./server.ts";

/** A server has so many databases unless it is told otherwise. */
const DATABASES = 16;

export const redis: ServerKind = {
  name: "Redis",
  variable: "SKEIN_TEST_REDIS",
  install: "redis-server",
  isInstalled: () => program() !== undefined,
  async create() {
    const found = program();
    if (found === undefined) throw new Error("Redis is not installed");
    const instance = await Instance.create({
      name: "redis",
      command: ({ folder, port }) => [
        found,
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
        ...["--save", "", "--appendonly", "no", "--databases", String(DATABASES)],
      ],
      probe: (port) => ask(port, "PING"),
    });
    const url = `redis://127.0.0.1:${instance.port}`;
    return serve(url, instance, () => instance.dispose());
  },
  async attach(url) {
    return serve(url, undefined, async () => undefined);
  },
};

function serve(url: string, faults: ServerFaults | undefined, end: () => Promise<void>): Server {
  let made = 0;
  const port = Number(new URL(url).port || 6379);
  return {
    url,
    port,
    faults,
    /** The next of the numbered databases; on a server of ours, emptied. */
    async newDatabase() {
      const number = made++ % DATABASES;
      if (faults !== undefined) await ask(port, `SELECT ${number}`, "FLUSHDB");
      const at = new URL(url);
      at.pathname = `/${number}`;
      return at.href;
    },
    dispose: end,
  };
}

/** Sends commands on one connection; rejects unless each is answered with +… */
export function ask(port: number, ...commands: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let answer = "";
    socket.setTimeout(5000, () => socket.destroy(new Error("no answer from Redis")));
    socket.once("connect", () =>
      socket.write(commands.map((command) => `${command}\r\n`).join("")),
    );
    socket.on("data", (chunk) => {
      answer += String(chunk);
      const lines = answer.split("\r\n").slice(0, -1);
      const bad = lines.find((line) => !line.startsWith("+"));
      if (bad !== undefined) socket.destroy(new Error(bad));
      else if (lines.length === commands.length) socket.end();
    });
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
}

function program(): string | undefined {
  return findProgram("redis-server", "valkey-server");
}
