/** A process of its own: waits for a byte on its input, registers, and prints what it got. */
import { createDiscovery } from "../../../src/discovery/create-discovery.ts";
import { silentLog } from "../../../src/runtime.ts";
import { realClock, realRandom } from "../clocks.ts";

const [url = "", name = ""] = process.argv.slice(2);
const environment = { clock: realClock, random: realRandom, log: silentLog };
const discovery = createDiscovery({ url }, environment);
process.stdout.write("ready\n");
process.stdin.once("data", async () => {
  const address = `ws://127.0.0.1:${process.pid}`;
  const own = { cluster: "chat", name, address, protocolMin: 1, protocolMax: 1 };
  try {
    process.stdout.write(`${JSON.stringify({ identity: await discovery.register?.(own) })}\n`);
  } catch (error) {
    process.stdout.write(`${JSON.stringify({ error: String(error) })}\n`);
  }
  await discovery.close();
  process.stdin.destroy();
});
