import { WsTransport } from "../../src/cluster/ws-transport.ts";
import { transportConformance } from "../conformance/transport.ts";
import { until } from "./until.ts";

const listen = { host: "127.0.0.1", port: 0 };

for (const zeroMask of [false, true]) {
  transportConformance(`WsTransport with zeroMask ${zeroMask}`, () => ({
    transport: () => new WsTransport({ ...listen, zeroMask }),
    until,
    // Port 1 needs rights that nobody gives to tests, so nobody listens there.
    unusedAddress: "ws://127.0.0.1:1",
    isReal: true,
    invalidAddress: "memory://1",
  }));
}
