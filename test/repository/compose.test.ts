/** docker-compose.cluster.yml and what it stands on: Dockerfile, .env.example, .dockerignore. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command?: string;
  readonly restart: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: unknown;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: Readonly<Record<string, unknown>>;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = read("docker-compose.cluster.yml");
const compose: Compose = parse(text, { merge: true });
const nodeNames = ["node-a", "node-b", "node-c"];

function service(name: string): Service {
  const found = compose.services[name];
  if (!found) throw new Error(`no service ${name}`);
  return found;
}

describe("docker-compose.cluster.yml", () => {
  it("has three nodes and one database, nothing else", () => {
    expect(Object.keys(compose.services).sort()).toEqual([...nodeNames, "postgres"]);
  });

  it("runs PostgreSQL 17, kept in a volume and started again after a failure", () => {
    const postgres = service("postgres");
    expect(postgres.image).toBe("postgres:17");
    expect(postgres.restart).toBe("unless-stopped");
    const [volume, path] = (postgres.volumes ?? []).join("").split(":");
    expect(path).toBe("/var/lib/postgresql/data");
    expect(Object.keys(compose.volumes)).toContain(volume);
  });

  it("asks the database by pg_isready every 10 s, for 5 s, five times", () => {
    const { test, ...rest } = service("postgres").healthcheck ?? {};
    const { POSTGRES_USER: user, POSTGRES_DB: database } = service("postgres").environment;
    expect(test).toEqual(["CMD-SHELL", `pg_isready --username ${user} --dbname ${database}`]);
    expect(rest).toEqual({ interval: "10s", timeout: "5s", retries: 5 });
  });

  it("publishes no port, above all not that of the database", () => {
    for (const [name, each] of Object.entries(compose.services)) {
      expect(each.ports, name).toBeUndefined();
      expect(each, name).not.toHaveProperty("network_mode");
    }
  });

  it.each(nodeNames)("starts %s once the database is healthy", (name) => {
    const node = service(name);
    expect(node.depends_on).toEqual({ postgres: { condition: "service_healthy" } });
    expect(node.restart).toBe("unless-stopped");
    expect(node.build).toBe(".");
  });

  it.each(nodeNames)("makes %s reachable under its own name in one cluster", (name) => {
    const short = name.slice(-1);
    expect(service(name).command).toBe(
      `node --cluster chat --name ${short} --listen 0.0.0.0:7400 --advertise ws://${name}:7400`,
    );
  });

  it("lets the nodes into the database with the password that it was made with", () => {
    const { POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD } = service("postgres").environment;
    expect(POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?/);
    for (const name of nodeNames) {
      expect(service(name).environment.SKEIN_DISCOVERY_URL).toBe(
        `postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@postgres:5432/${POSTGRES_DB}`,
      );
    }
  });

  it("gives every node the same secret", () => {
    const secrets = nodeNames.map((name) => service(name).environment.SKEIN_SECRET);
    expect(new Set(secrets).size).toBe(1);
    expect(secrets[0]).toMatch(/^\$\{SKEIN_SECRET:\?/);
  });

  it("uses exactly the variables of .env.example, and refuses to start without one", () => {
    const used = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)];
    for (const [whole, , rest] of used) expect(rest, whole).toMatch(/^:\?/);
    const offered = [...read(".env.example").matchAll(/^(\w+)=/gm)].map((match) => match[1]);
    expect([...new Set(used.map((match) => match[1]))].sort()).toEqual(offered.sort());
  });
});

describe("secrets", () => {
  it("are in no committed file: .env.example has names without values", () => {
    for (const line of read(".env.example").split("\n")) {
      if (line !== "" && !line.startsWith("#")) expect(line).toMatch(/^\w+=$/);
    }
    expect(read(".gitignore").split("\n")).toContain(".env");
  });

  it("do not reach the image: .dockerignore lets named paths through and nothing else", () => {
    const lines = read(".dockerignore").split("\n");
    const rules = lines.filter((line) => line !== "" && !line.startsWith("#"));
    expect(rules[0]).toBe("*");
    const copied = [...read("Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)]
      .flatMap((match) => (match[1] ?? "").split(" "))
      .sort();
    const passed = rules.slice(1).map((rule) => rule.replace(/^!/, ""));
    expect(passed.sort()).toEqual(copied);
  });
});

describe("Dockerfile", () => {
  const lines = read("Dockerfile")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM")));

  it("runs as a user without rights", () => {
    expect(last).toContain("USER node");
  });

  it("builds from Node 20 and leaves the tools behind", () => {
    const from = lines.filter((line) => line.startsWith("FROM"));
    expect(from).toEqual(["FROM node:20-bookworm-slim AS build", "FROM node:20-bookworm-slim"]);
    expect(lines.join("\n")).toMatch(/npm prune --omit=dev/);
  });

  it("starts the command that package.json names, and asks it for its health", () => {
    const { bin } = JSON.parse(read("package.json"));
    const main = bin.skein.replace("./", "");
    expect(last).toContain(`ENTRYPOINT ["node", "${main}"]`);
    const health = last.find((line) => line.startsWith("HEALTHCHECK"));
    expect(health).toContain(`CMD ["node", "${main}", "status", "--url", "http://127.0.0.1:7401"]`);
  });
});
