/** Two nodes find one another by each way that needs no database. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DnsServer } from "../discovery/dns-server.ts";
import { freePort } from "../servers/free-port.ts";
import { expectShared, joined, startedNodes } from "./started-nodes.ts";

const nodes = startedNodes();

describe("two nodes find one another", () => {
  it("by a list of addresses that both are given", async () => {
    const ports = [await freePort(), await freePort()];
    const discovery = { nodes: ports.map((port) => `ws://127.0.0.1:${port}`) };
    const both = await Promise.all(
      ports.map((port, at) => nodes.start({ name: `n${at}`, listen: { port }, discovery })),
    );
    await Promise.all(both.map((node) => node.ready()));
    await joined(both);
    await expectShared(both, "static");
  });

  it("by a file, as soon as it names them", async () => {
    const file = join(nodes.folder, "nodes.txt");
    writeFileSync(file, "# nobody yet\n");
    const discovery = { file, timings: { initialMs: 500 } };
    const both = [
      await nodes.start({ name: "a", discovery }),
      await nodes.start({ name: "b", discovery }),
    ];
    await Promise.all(both.map((node) => node.ready()));
    writeFileSync(`${file}.new`, both.map((node) => `${node.address} # ${node.name}\n`).join(""));
    renameSync(`${file}.new`, file);
    await joined(both);
    await expectShared(both, "file");
  });

  it("and ask again when their options say so", async () => {
    const timings = { initialMs: 70_000, regularMs: 70_000 };
    const node = await nodes.start({ name: "a", discovery: { nodes: [], timings } });
    await node.ready();
    const { nextQueryInMs } = node.status().discovery as { nextQueryInMs: number };
    expect(nextQueryInMs).toBeGreaterThan(50_000);
    expect(nextQueryInMs).toBeLessThan(80_000);
  });

  it("by a name in DNS with one address for each node", async () => {
    const server = new DnsServer();
    const servers = [await server.start()];
    try {
      const hosts = ["127.0.0.2", "127.0.0.3"];
      const port = await freePort("127.0.0.2");
      server.records.set("nodes.skein.test", { a: hosts });
      const dns = { host: "nodes.skein.test", port, servers, family: 4 } as const;
      const both = await Promise.all(
        hosts.map((host) =>
          nodes.start({ name: host, listen: { host, port }, discovery: { dns } }),
        ),
      );
      await joined(both);
      await expectShared(both, "dns");
    } finally {
      await server.stop();
    }
  });
});
