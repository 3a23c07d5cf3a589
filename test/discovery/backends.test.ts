/** The conformance suite over the backends that need no database server. */
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createDiscovery } from "../../src/discovery/create-discovery.ts";
import type { DiscoveryOptions } from "../../src/discovery/options.ts";
import { type Clock, silentLog } from "../../src/runtime.ts";
import { discoveryConformance } from "../conformance/discovery.ts";
import { realClock, realRandom } from "./clocks.ts";
import { DnsServer } from "./dns-server.ts";

function create(options: DiscoveryOptions) {
  return createDiscovery(options, { clock: hurried, random: realRandom, log: silentLog });
}

/** Waits of seconds take a twentieth of them. */
const hurried: Clock = {
  ...realClock,
  now: () => realClock.now() * 20,
  after: (ms, fn) => realClock.after(ms / 20, fn),
};

describe("static discovery", () => {
  discoveryConformance({
    grows: false,
    identifies: false,
    async open(nodes) {
      const nothing = async () => undefined;
      return {
        join: async () => create({ nodes }),
        fault: { away: nothing, back: nothing },
        close: nothing,
      };
    },
  });
});

describe("discovery by a function", () => {
  discoveryConformance({
    grows: true,
    identifies: false,
    async open() {
      const nodes: string[] = [];
      let away = false;
      const getNodes = () => {
        if (away) throw new Error("the inventory is being repaired");
        return nodes;
      };
      return {
        async join({ address }) {
          nodes.push(address);
          return create({ getNodes });
        },
        fault: {
          async away() {
            away = true;
          },
          async back() {
            away = false;
          },
        },
        close: async () => undefined,
      };
    },
  });
});

describe("discovery by a file", () => {
  discoveryConformance({
    grows: true,
    identifies: false,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), "skein-file-"));
      const file = join(folder, "nodes.txt");
      await writeFile(file, "# the nodes of this cluster\n");
      return {
        async join({ address }) {
          await appendFile(file, `${address} # joined\n`);
          return create({ file });
        },
        fault: {
          away: () => rename(file, `${file}.away`),
          back: () => rename(`${file}.away`, file),
        },
        close: () => rm(folder, { recursive: true }),
      };
    },
  });
});

describe("discovery by DNS with SRV records", () => {
  discoveryConformance({
    grows: true,
    identifies: false,
    async open() {
      const server = new DnsServer();
      const servers = [await server.start()];
      const srv: { name: string; port: number }[] = [];
      const name = "_skein._tcp.test";
      return {
        async join({ address }) {
          const { hostname, port } = new URL(address);
          srv.push({ name: hostname, port: Number(port) });
          server.records.set(name, { srv });
          return create({ dns: { srv: name, servers } });
        },
        fault: {
          async away() {
            server.mode = "fail";
          },
          async back() {
            server.mode = "answer";
          },
        },
        close: () => server.stop(),
      };
    },
  });
});

describe("discovery by a SQLite file", () => {
  discoveryConformance({
    grows: true,
    identifies: true,
    async open() {
      const folder = await mkdtemp(join(tmpdir(), "skein-sqlite-"));
      const url = `sqlite:${join(folder, "discovery.db")}`;
      return {
        async join(registration) {
          const backend = create({ url });
          await backend.register?.(registration);
          return backend;
        },
        fault: await lockedSqlite(join(folder, "discovery.db")),
        close: () => rm(folder, { recursive: true }),
      };
    },
  });
});

/** Somebody else who holds the file's lock is how a file that is there can be away. */
async function lockedSqlite(path: string) {
  const { default: Database } = await import("libsql");
  let holder: InstanceType<typeof Database> | undefined;
  return {
    async away() {
      holder = new Database(path);
      holder.exec("begin exclusive");
    },
    async back() {
      holder?.exec("commit");
      holder?.close();
    },
  };
}
