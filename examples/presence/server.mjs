/**
 * Who is online, the same on every server. Skein is linked into a plain HTTP server: it writes to
 * its own copy of a table and reads from it, and the other servers have the same rows.
 */
import { createServer } from "node:http";
import { startNode } from "skein";

const node = await startNode({
  cluster: "presence",
  discovery: { url: process.env.DATABASE_URL ?? "sqlite:presence.db" },
});
// A row lives as long as the server that wrote it: when a server dies, its users are offline.
const online = node.table("online", { lifetime: "node", ordered: true });
await node.ready();

async function answer(method, path) {
  const [, root, name = ""] = path.split("/", 3);
  const user = decodeURIComponent(name);
  if (root !== "online") return [404];
  if (user === "") return [200, Array.from(online, ([key, at]) => ({ user: key, ...at }))];
  if (method === "PUT") {
    // Resolves when every other server has the row too.
    await online.set(user, { server: node.name, since: new Date().toISOString() });
    return [204];
  }
  if (method === "DELETE") {
    await online.delete(user);
    return [204];
  }
  return online.has(user) ? [200, online.get(user)] : [404]; // Local: nobody is asked.
}

const server = createServer(async ({ method, url }, response) => {
  const [code, body] = await answer(method, url).catch((error) => [503, { error: error.message }]);
  response.writeHead(code, { "content-type": "application/json" });
  response.end(body && JSON.stringify(body));
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

process.once("SIGTERM", async () => {
  await node.leave(); // The others take this server's users offline at once.
  process.exit(0);
});
