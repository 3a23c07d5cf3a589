/** Makers of adapters by name. */
import { type AdapterFactory, checkNames } from "./adapter-factory.ts";

/** Ours. What they are made of is loaded when one is made. */
const OWN: readonly AdapterFactory[] = [
  {
    name: "memory",
    needsNoOptions: true,
    async make(options) {
      checkNames("memory", options, ["archiveItemsMax"]);
      const { MemoryAdapter } = await import("./memory/memory-adapter.ts");
      return new MemoryAdapter(options);
    },
  },
  {
    name: "none",
    needsNoOptions: true,
    async make(options) {
      checkNames("none", options, []);
      const { NoneAdapter } = await import("./none/none-adapter.ts");
      return new NoneAdapter();
    },
  },
  {
    name: "null",
    needsNoOptions: true,
    async make(options) {
      checkNames("null", options, []);
      const { NullAdapter } = await import("./null/null-adapter.ts");
      return new NullAdapter();
    },
  },
  {
    name: "file",
    async make(options, { log }) {
      checkNames("file", options, ["folder", "owner", "archiveItemsInMemory"]);
      const { FileAdapter } = await import("./file/file-adapter.ts");
      return new FileAdapter({ folder: "", ...options, log });
    },
  },
  {
    name: "redis",
    async make(options, { log }) {
      const { RedisAdapter } = await import("./redis/redis-adapter.ts");
      return new RedisAdapter({ ...options, log });
    },
  },
  {
    name: "sql",
    async make(options, environment) {
      const { sqlAdapter } = await import("./sql/sql-factory.ts");
      return sqlAdapter(options, environment);
    },
  },
];
/** Other names of ours: what Prosody calls its files. */
const ALIASES: Readonly<Record<string, string>> = { internal: "file" };

/** The maker of this name, of the given ones or of ours. */
export function adapterFor(
  name: string,
  others: readonly AdapterFactory[] = [],
): AdapterFactory | undefined {
  const real = ALIASES[name] ?? name;
  return [...others, ...OWN].find((factory) => factory.name === real);
}

/** Names that `adapterFor` knows. */
export function adapterNames(others: readonly AdapterFactory[] = []): string[] {
  return [...others.map(({ name }) => name), ...OWN.map(({ name }) => name)];
}
