/** The demonstration from the first process to the last claim. */
import type { Claim, Follower } from "./claims.ts";
import type { DemoCluster } from "./cluster.ts";
import {
  fillTables,
  findByUser,
  findEachOther,
  readLocally,
  type Step,
  writeAcknowledged,
} from "./steps.ts";
import { freezeOne, killOne, restartOne, thawOne } from "./trouble.ts";

const STEPS: readonly (readonly [claim: string, step: Step])[] = [
  ["Processes find each other through the discovery table alone", findEachOther],
  ["Rows written on each node are on every node", fillTables],
  ["A node's index finds the rows that others wrote", findByUser],
  ["Reads are local", readLocally],
  ["An acknowledged write is on every node", writeAcknowledged],
  ["A killed node's rows vanish, all others stay", killOne],
  ["A restarted node is filled by the others", restartOne],
  ["A frozen node does not stop the others' writes", freezeOne],
  ["A thawed node is equal again, nothing deleted is back", thawOne],
];

/** Tries all claims. After one that fails the later ones are not tried, for each builds on it. */
export async function runScenario(cluster: DemoCluster, follower: Follower): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const [claim, step] of STEPS) {
    if (claims.some(({ ok }) => !ok)) {
      claims.push({ claim, measured: "not tried", ok: false, facts: {} });
      continue;
    }
    follower.began(claim);
    const tried = await attempt(claim, step, cluster, follower);
    claims.push(tried.claim);
    follower.ended(tried.claim, tried.lines);
  }
  return claims;
}

/** The last claim: nothing is left of it all. */
export async function cleanUp(cluster: DemoCluster, follower: Follower): Promise<Claim> {
  const claim = "Nothing is left: no process, no file";
  follower.began(claim);
  const startMs = performance.now();
  await cluster.close();
  const tookMs = performance.now() - startMs;
  const left = cluster.leftovers();
  const ended: Claim = {
    claim,
    measured: left.length === 0 ? `${Math.round(tookMs)} ms` : `left: ${left.join(", ")}`,
    ok: left.length === 0,
    facts: { tookMs, left: left.length },
  };
  follower.ended(ended, []);
  return ended;
}

async function attempt(claim: string, step: Step, cluster: DemoCluster, follower: Follower) {
  try {
    const { measured, facts, lines = [] } = await step(cluster, follower);
    return { claim: { claim, measured, ok: true, facts }, lines };
  } catch (error) {
    const measured = error instanceof Error ? error.message : String(error);
    return { claim: { claim, measured, ok: false, facts: {} }, lines: [] };
  }
}
