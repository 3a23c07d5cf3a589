/** How long a cluster takes to form: eight nodes with ten tables each, all started at once. */
import { type Claims, seconds } from "../processes/claims.ts";
import { TABLES } from "../processes/plan.ts";
import { whole, withNodes } from "./started.ts";

const NODES = 8;
const AIM_MS = 2000;

export async function formTogether(folder: string, claims: Claims): Promise<void> {
  await withNodes({ folder, size: NODES }, async (nodes) => {
    const started = await nodes.start();
    await whole(nodes);
    const tookMs = Date.now() - Math.max(...started.map((one) => one.listeningAt));
    claims.check(
      `${NODES} nodes with ${TABLES.length} tables form one cluster within ${seconds(AIM_MS)}`,
      tookMs <= AIM_MS,
      `${seconds(tookMs)} after the last one listened (CETS: 48.68 to 54.47 s)`,
    );
  });
}
