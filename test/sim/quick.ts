import { scenarioOf } from "./scenario.ts";
import { World } from "./world.ts";
const [, , a, b] = process.argv;
const t0 = performance.now();
let fails = 0;
for (let seed = Number(a); seed < Number(a) + Number(b); seed++) {
  const world = new World(scenarioOf(seed), process.argv[4] === "t" ? (at, who, what) => console.log(at.toFixed(2), who, what) : null);
  const r = world.run();
  if (r.violation) { fails++; if (fails < 15) console.log(seed, r.violation.atMs.toFixed(1), r.violation.checker, r.violation.message.slice(0, 1500)); }
}
console.log("fails", fails, "ms/seed", (performance.now() - t0) / Number(b));
