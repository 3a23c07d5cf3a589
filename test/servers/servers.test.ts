import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { freePort } from "./free-port.ts";
import { Instance, pause } from "./instance.ts";
import * as maria from "./mariadb.ts";
import { pgbouncer } from "./pgbouncer.ts";
import { ask, postgres } from "./postgres.ts";
import { ask as askRedis, redis } from "./redis.ts";
import { faultsOf, type Server, whyMissing, withServer } from "./server.ts";

/** Linux: the range of ports for outgoing connections. */
const OUTGOING_PORTS = "/proc/sys/net/ipv4/ip_local_port_range";

const kinds = [
  { kind: postgres, answers: (server: Server) => ask(server.url, "select 1") },
  { kind: maria.mariadb, answers: (server: Server) => maria.ask(server.url, "select 1") },
  { kind: redis, answers: (server: Server) => askRedis(server.port, "PING") },
  { kind: pgbouncer("transaction"), answers: (server: Server) => ask(server.url, "select 1") },
];

for (const { kind, answers } of kinds) {
  withServer(
    kind,
    `a throwaway ${kind.name}`,
    (server) => {
      test("answers, and answers again after stop, kill and pause", async () => {
        const faults = faultsOf(server());
        await answers(server());
        await faults.stop();
        await expect(answers(server())).rejects.toThrow();
        await faults.start();
        await faults.kill();
        await expect(answers(server())).rejects.toThrow();
        await faults.start();
        await faults.pause();
        let answered = false;
        const late = answers(server()).then(() => {
          answered = true;
        });
        await pause(100);
        expect(answered).toBe(false);
        faults.resume();
        await late;
      });

      test("makes databases of their own", async () => {
        const first = await server().newDatabase();
        expect(await server().newDatabase()).not.toBe(first);
        expect(first).toContain(`:${server().port}/`);
      });
    },
    "faults",
  );
}

withServer(
  postgres,
  "an instance",
  () => {
    test("leaves neither process nor folder behind", async () => {
      const own = await postgres.create();
      await own.dispose();
      await expect(ask(own.url, "select 1")).rejects.toThrow();
    });
  },
  "faults",
);

test.runIf(existsSync(OUTGOING_PORTS))(
  "ports for servers are none that the system gives to outgoing connections",
  async () => {
    const [lowest = 0] = readFileSync(OUTGOING_PORTS, "utf8").split("\t").map(Number);
    const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));
    expect(Math.max(...ports)).toBeLessThan(lowest);
  },
);

test("a server that does not start says what its log says, and its folder is removed", async () => {
  let folder = "";
  const failing = Instance.create({
    name: "failing",
    command: (at) => {
      folder = at.folder;
      return ["sh", "-c", "echo no such luck; exit 3"];
    },
    probe: () => Promise.reject(new Error("not yet")),
  });
  await expect(failing).rejects.toThrow("no such luck");
  expect(existsSync(folder)).toBe(false);
});

test("a missing server is a reason to skip, and an error where nothing may be skipped", () => {
  const absent = { ...postgres, variable: "SKEIN_TEST_ABSENT", isInstalled: () => false };
  const before = { CI: process.env.CI, SKEIN_NO_SKIP: process.env.SKEIN_NO_SKIP };
  try {
    delete process.env.CI;
    delete process.env.SKEIN_NO_SKIP;
    expect(whyMissing(absent)).toContain("apt-get install postgresql");
    process.env.SKEIN_NO_SKIP = "1";
    expect(() => whyMissing(absent)).toThrow("apt-get install postgresql");
    delete process.env.SKEIN_NO_SKIP;
    process.env.CI = "true";
    expect(() => whyMissing(absent)).toThrow("apt-get install postgresql");
  } finally {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
});
