/** For tests of code that uses Skein: a cluster in one process, links in memory, time by hand. */
export { MemoryNetwork, type MemoryTransport } from "./cluster/memory-transport.ts";
export { ProcessClock } from "./testing/process-clock.ts";
export { SeededRandom } from "./testing/seeded-random.ts";
export {
  startTestCluster,
  type TestCluster,
  type TestClusterOptions,
} from "./testing/test-cluster.ts";
export { VirtualClock } from "./testing/virtual-clock.ts";
