/** Keeps a value in the Redis of a URL and reads it again: `node secured-process.js URL`. */
import { openStores } from "../../../../src/persistent.ts";

const stores = await openStores(
  {
    storage: "main",
    connections: { main: { adapter: "redis", url: process.argv[2] ?? "" } },
  },
  { timeoutMs: 3_000 },
);
try {
  const kept = await stores.keyval<string>("kept");
  await kept.set("ann", "over TLS");
  process.stdout.write(String(await kept.get("ann")));
} finally {
  await stores.close();
}
