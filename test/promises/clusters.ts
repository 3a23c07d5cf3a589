/** Clusters of one test, ended when it ends. To be called once in a test file. */
import { afterEach } from "vitest";
import { startTestCluster, type TestCluster, type TestClusterOptions } from "../../src/testing.ts";

export function testClusters(): (options?: TestClusterOptions) => Promise<TestCluster> {
  const running: TestCluster[] = [];
  afterEach(async () => {
    for (const cluster of running.splice(0)) await cluster.stop();
  });
  return async (options) => {
    const cluster = await startTestCluster(options);
    running.push(cluster);
    return cluster;
  };
}
