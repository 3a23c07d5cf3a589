import { MemoryNetwork } from "../../src/cluster/memory-transport.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { transportConformance } from "../conformance/transport.ts";

transportConformance("MemoryTransport", () => {
  const clock = new VirtualClock();
  const network = new MemoryNetwork(clock);
  return {
    transport: () => network.transport(),
    until: async (what, condition) => {
      clock.settle();
      if (!condition()) throw new Error(`all is quiet, and still no: ${what}`);
    },
    unusedAddress: "memory://999",
    isReal: false,
    invalidAddress: "ws://127.0.0.1:7400",
  };
});
