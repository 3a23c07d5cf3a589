import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  build,
  eventually,
  ROOT,
  type Started,
  startScript,
  TEST_LIMIT_MS,
} from "../cli/processes.ts";

const SERVER = join(ROOT, "examples/presence/server.mjs");

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "skein-presence-test-"));
  build();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Server {
  readonly process: Started;
  readonly url: string;
}

async function startServer(): Promise<Server> {
  const url = `sqlite:${join(folder, "presence.db")}`;
  const process = startScript(SERVER, [], { DATABASE_URL: url });
  const [, address = ""] = await process.says(/listening on (\S+)/);
  return { process, url: address };
}

async function online({ url }: Server): Promise<string[]> {
  const users: unknown = await (await fetch(`${url}/online`)).json();
  if (!Array.isArray(users)) throw new Error(`not a list: ${JSON.stringify(users)}`);
  return users.map(({ user }) => String(user));
}

async function seesExactly(server: Server, users: readonly string[]): Promise<void> {
  let last: string[] = [];
  await eventually(
    async () => {
      last = await online(server);
      return last.join() === users.join() ? true : undefined;
    },
    () => `${users.join()} on ${server.url}; there are ${last.join()}`,
  );
}

const put = (server: Server, user: string) =>
  fetch(`${server.url}/online/${encodeURIComponent(user)}`, { method: "PUT" });

describe("the presence example on three processes", { timeout: TEST_LIMIT_MS }, () => {
  it("shows a user on every server, and takes the users of a killed server offline", async () => {
    const servers = await Promise.all([startServer(), startServer(), startServer()]);
    const [a, b, c] = servers;
    for (const server of servers) await seesExactly(server, []);

    expect((await put(a, "alice")).status).toBe(204);
    expect((await put(b, "bob/laptop")).status).toBe(204);
    expect((await put(c, "carol")).status).toBe(204);
    for (const server of servers) await seesExactly(server, ["alice", "bob/laptop", "carol"]);
    const alice = await fetch(`${c.url}/online/alice`);
    expect(await alice.json()).toMatchObject({ server: expect.any(String) });

    expect((await fetch(`${b.url}/online/carol`, { method: "DELETE" })).status).toBe(204);
    await seesExactly(c, ["alice", "bob/laptop"]);
    expect((await fetch(`${a.url}/online/carol`)).status).toBe(404);

    a.process.signal("SIGKILL");
    await seesExactly(b, ["bob/laptop"]);
    await seesExactly(c, ["bob/laptop"]);

    b.process.signal("SIGTERM");
    expect((await b.process.ended).code).toBe(0);
    await seesExactly(c, []);
  });

  it("answers a path it does not know, or cannot read, and lives on", async () => {
    const server = await startServer();
    expect((await fetch(`${server.url}/offline`)).status).toBe(404);
    expect((await fetch(`${server.url}/online/%E0%A4%A`)).status).toBe(503);
    expect((await fetch(`${server.url}/online`)).status).toBe(200);
  });
});
