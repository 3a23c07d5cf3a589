import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Admin, type AdminSource, startAdmin } from "../../src/node/admin.ts";

let admin: Admin | undefined;

afterEach(async () => {
  await admin?.close();
  admin = undefined;
});

const source = (phase: ReturnType<AdminSource["phase"]> = "ready"): AdminSource => ({
  status: () => ({ name: "a" }),
  phase: () => phase,
});

async function open(from: AdminSource = source(), host = "127.0.0.1"): Promise<string> {
  admin = await startAdmin(from, { host, port: 0 });
  return admin.url;
}

/** What the port says to bytes that no HTTP client would send. */
function raw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let heard = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      heard += text;
    });
    socket.once("error", reject).once("close", () => resolve(heard));
    socket.write(bytes);
  });
}

describe("the admin port", () => {
  it("gives the status as JSON", async () => {
    const response = await fetch(`${await open()}/status`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/application\/json/);
    expect(await response.json()).toEqual({ name: "a" });
  });

  it.each(["starting", "fenced", "leaving", "stopped"] as const)(
    "is not healthy while the node is %s",
    async (phase) => {
      const response = await fetch(`${await open(source(phase))}/health`);
      expect(response.status).toBe(503);
      expect(await response.json()).toEqual({ phase });
    },
  );

  it("is healthy once the node is ready", async () => {
    expect((await fetch(`${await open()}/health`)).status).toBe(200);
  });

  it("changes nothing: other methods, bodies and paths are refused", async () => {
    const url = await open();
    expect((await fetch(`${url}/status`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${url}/status`, { method: "DELETE" })).status).toBe(405);
    expect((await fetch(`${url}/`)).status).toBe(404);
    const body = "GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nabcd";
    expect(await raw(url, body)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("answers HEAD without a body", async () => {
    const response = await fetch(`${await open()}/status`, { method: "HEAD" });
    expect(response.headers.get("content-length")).toBe(String('{"name":"a"}'.length));
    expect(await response.text()).toBe("");
  });

  it("on loopback answers to names of this machine only", async () => {
    const url = await open();
    const asked = (host: string) =>
      raw(url, `GET /status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await asked("rebound.example:80")).toMatch(/^HTTP\/1\.1 421 /);
    expect(await asked("localhost:80")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await asked("[::1]")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("refuses headers over its limit", async () => {
    const long = `GET /status HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(10_000)}\r\n\r\n`;
    expect(await raw(await open(), long)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it("answers 500 when the node cannot give its status, and lives on", async () => {
    let broken = true;
    const url = await open({
      ...source(),
      status: () => {
        if (broken) throw new Error("not now");
        return {};
      },
    });
    expect((await fetch(`${url}/status`)).status).toBe(500);
    broken = false;
    expect((await fetch(`${url}/status`)).status).toBe(200);
  });

  it("says with a typed error that its port is taken", async () => {
    const { port } = new URL(await open());
    const second = startAdmin(source(), { host: "127.0.0.1", port: Number(port) });
    await expect(second).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    await expect(second).rejects.toThrow(new RegExp(`127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
  });

  it("cuts connections that are open when it closes", async () => {
    const url = await open();
    const waiting = raw(url, "GET /status HTTP/1.1\r\n");
    await expect.poll(async () => (await fetch(`${url}/health`)).status).toBe(200);
    await admin?.close();
    expect(await waiting).toBe("");
  });
});
