import { afterEach, beforeEach, expect, test } from "vitest";
import { DnsDiscovery, type DnsOptions } from "../../src/discovery/dns.ts";
import { UnavailableError } from "../../src/errors.ts";
import { DnsServer } from "./dns-server.ts";

const HOST = "skein.test";
let server: DnsServer;
let servers: string[];
const open: DnsDiscovery[] = [];

beforeEach(async () => {
  server = new DnsServer();
  servers = [await server.start()];
});

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await server.stop();
});

function discovery(dns: DnsOptions): DnsDiscovery {
  const made = new DnsDiscovery({ dns: { servers, ...dns } });
  open.push(made);
  return made;
}

async function addresses(dns: DnsOptions): Promise<string[]> {
  return (await discovery(dns).getNodes()).map((node) => node.address).sort();
}

test("A and AAAA records are joined to one port, with brackets where they are needed", async () => {
  server.records.set(HOST, { a: ["10.0.0.1", "10.0.0.2"], aaaa: ["fd00:0:0:0:0:0:0:7"] });
  expect(await addresses({ host: HOST, port: 7400 })).toEqual([
    "ws://10.0.0.1:7400",
    "ws://10.0.0.2:7400",
    "ws://[fd00::7]:7400",
  ]);
});

test("one family may be asked for alone", async () => {
  server.records.set(HOST, { a: ["10.0.0.1"], aaaa: ["fd00:0:0:0:0:0:0:7"] });
  expect(await addresses({ host: HOST, port: 1, family: 4 })).toEqual(["ws://10.0.0.1:1"]);
  expect(await addresses({ host: HOST, port: 1, family: 6 })).toEqual(["ws://[fd00::7]:1"]);
});

test("SRV records bring ports of their own", async () => {
  server.records.set("_skein._tcp.test", {
    srv: [
      { name: "node-0.test", port: 7400 },
      { name: "node-1.test", port: 7401 },
    ],
  });
  expect(await addresses({ srv: "_skein._tcp.test", scheme: "wss" })).toEqual([
    "wss://node-0.test:7400",
    "wss://node-1.test:7401",
  ]);
});

test("a name that does not exist, or has no records, is an answer without nodes", async () => {
  expect(await addresses({ host: "nobody.test", port: 1 })).toEqual([]);
  expect(await addresses({ srv: "_nobody._tcp.test" })).toEqual([]);
  server.records.set(HOST, {});
  expect(await addresses({ host: HOST, port: 1 })).toEqual([]);
});

test("a server that fails is an error that names what was asked", async () => {
  server.mode = "fail";
  const refused = discovery({ host: HOST, port: 1 }).getNodes();
  await expect(refused).rejects.toBeInstanceOf(UnavailableError);
  await expect(refused).rejects.toThrow(HOST);
});

test("closing ends a query that a silent server would keep waiting", async () => {
  server.mode = "silent";
  const backend = discovery({ host: HOST, port: 1 });
  const refused = expect(backend.getNodes()).rejects.toBeInstanceOf(UnavailableError);
  await expect.poll(() => server.questionCount).toBeGreaterThan(0);
  await backend.close();
  await refused;
});
