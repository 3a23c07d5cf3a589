/**
 * What masking costs a link: frames to two peers and short answers, all in one process, masked at
 * random and with zeros in turns. CPU time, so that a busy machine says much the same. Run by
 * `node build/bench/masks.js`.
 */
import type { Link } from "../src/cluster/transport.ts";
import { WsTransport } from "../src/cluster/ws-transport.ts";

const ROUNDS = 25;
const WARM_ROUNDS = 5;
const PEERS = 2;
const ANSWER = new Uint8Array(10).fill(7);
/** A session row as an op, and a batch of a thousand. */
const SIZES = [245, 245_000];

/** Sends to all peers and waits for their answers, so often; gives µs of CPU for each time. */
type Run = (times: number, frame: Uint8Array) => Promise<number>;

async function linked(zeroMask: boolean): Promise<Run> {
  const transport = new WsTransport({ host: "127.0.0.1", port: 0, zeroMask });
  const closed = () => {};
  const { address } = await transport.listen((link) => {
    return { closed, frame: () => setImmediate(() => link.send(ANSWER)) };
  });
  let missing = 0;
  let answered = () => {};
  const links: Link[] = [];
  const frame = () => {
    if (--missing === 0) answered();
  };
  for (let peer = 0; peer < PEERS; peer++) {
    await new Promise<void>((resolve, reject) => {
      transport.dial(address, {
        failed: (_, message) => reject(new Error(message)),
        opened(link) {
          links.push(link);
          resolve();
          return { frame, closed };
        },
      });
    });
  }
  return async (times, sent) => {
    const before = process.cpuUsage();
    for (let time = 0; time < times; time++) {
      await new Promise<void>((resolve) => {
        answered = resolve;
        missing = PEERS;
        setImmediate(() => {
          for (const link of links) link.send(sent);
        });
      });
    }
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };
}

const sides = [
  { name: "random masks", run: await linked(false) },
  { name: "zeros", run: await linked(true) },
];
for (const size of SIZES) {
  const frame = new Uint8Array(size).fill(7);
  const costs = new Map<string, number[]>(sides.map(({ name }) => [name, []]));
  for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
    for (const { name, run } of sides) {
      const micros = await run(size > 1000 ? 50 : 1000, frame);
      if (round >= 0) costs.get(name)?.push(micros);
    }
  }
  for (const [name, list] of costs) {
    const quarter = list.sort((a, b) => a - b)[ROUNDS >> 2]?.toFixed(1);
    process.stdout.write(`${size} B to ${PEERS} peers, ${name}: ${quarter} µs (lowest quarter)\n`);
  }
}
process.exit(0);
