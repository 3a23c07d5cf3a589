/** One of three nodes is killed in mid-flight while the others write. */
import { type Claims, seconds } from "../processes/claims.ts";
import { writeTimes } from "../processes/write-times.ts";
import { whole, withNodes } from "./started.ts";

/** Far below what a detector by silence needs; the rest is the machine's, which runs all three. */
const AIM_MS = 500;
const WARM_UP_WRITES = 3000;
const AFTER_MS = 3000;
const LIMIT_MS = 100_000;
const SURVIVORS = ["node1", "node2"];

export async function killUnderLoad(folder: string, claims: Claims): Promise<void> {
  await withNodes({ folder, size: 3 }, async (nodes) => {
    await nodes.start();
    await whole(nodes);
    await nodes.write();
    const before = Date.now();
    const written = () => writeTimes(folder, { from: before, to: Date.now() }).acknowledged;
    await nodes.until("writes", LIMIT_MS, async () => written() >= WARM_UP_WRITES);
    const from = Date.now();
    await nodes.kill("node3");
    await new Promise((resolve) => setTimeout(resolve, AFTER_MS));
    await Promise.all(SURVIVORS.map((name) => nodes.child(name).ask({ kind: "rest" })));
    const times = writeTimes(folder, { from, to: from + AFTER_MS }, ["node3"]);
    claims.check(
      `no write takes longer than ${seconds(AIM_MS)} while another node is killed`,
      times.rejected === 0 && times.acknowledged > 0 && times.longestMs <= AIM_MS,
      `longest ${seconds(times.longestMs)} of ${times.acknowledged} acknowledged (CETS: 0.01 s)`,
    );
  });
}
