/** One of three nodes stops in mid-flight, as a frozen machine does, while the others write. */
import { type Claims, seconds } from "../processes/claims.ts";
import { writeTimes } from "../processes/write-times.ts";
import { whole, withNodes } from "./started.ts";

const AIM_MS = 4000;
const WARM_UP_WRITES = 2000;
const STOPPED_MS = 7000;
const LIMIT_MS = 100_000;

export async function hangUnderLoad(folder: string, claims: Claims): Promise<void> {
  await withNodes({ folder, size: 3 }, async (nodes) => {
    await nodes.start();
    await whole(nodes);
    await nodes.write();
    const before = Date.now();
    const written = () => writeTimes(folder, { from: before, to: Date.now() }).acknowledged;
    await nodes.until("writes", LIMIT_MS, async () => written() >= WARM_UP_WRITES);
    const victim = nodes.child("node3");
    const from = Date.now();
    victim.pause();
    try {
      await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
    } finally {
      victim.resume();
    }
    await whole(nodes);
    await nodes.rest();
    const times = writeTimes(folder, { from, to: from + STOPPED_MS }, ["node3"]);
    claims.check(
      `no write takes longer than ${seconds(AIM_MS)} while another node hangs`,
      times.rejected === 0 && times.acknowledged > 0 && times.longestMs <= AIM_MS,
      `longest ${seconds(times.longestMs)} of ${times.acknowledged} acknowledged ` +
        `(CETS with default settings: 73.8 and 73.9 s)`,
    );
  });
}
