/** The rules of stream management on two nodes that are cut and linked by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InvalidArgumentError, InvalidOptionsError } from "../../src/errors.ts";
import {
  type FullAddress,
  type OwnStream,
  openStreams,
  type Resumption,
  type StreamPackage,
  type Streams,
  type StreamsOptions,
} from "../../src/transient.ts";
import { TransientPair } from "./nodes.ts";

const PHONE: FullAddress = ["example.com", "ann", "phone"];
type Side = "a" | "b";

let pair: TransientPair;
/** What each node's listeners were told, in order. */
let told: Record<Side, string[]>;
let given: StreamPackage<string>;
let nowMs: number;

beforeEach(() => {
  pair = new TransientPair();
  told = { a: [], b: [] };
  given = { received: 7, stanzas: ["one", "two"] };
  nowMs = 1_000;
});

afterEach(() => pair.check());

function open(on: Side, options: Partial<StreamsOptions<string>> = {}): Streams<string> {
  return openStreams<string>(pair[on], {
    onHandOver: (_, { acknowledged, node }) => {
      told[on].push(`handOver ${acknowledged} ${node}`);
      return given;
    },
    onHandedOver: (stream) => told[on].push(`handedOver ${stream.state}`),
    onReturned: (stream) => told[on].push(`returned ${stream.state}`),
    onLost: (stream) => told[on].push(`lost ${stream.state}`),
    staleMs: 60_000,
    now: () => nowMs,
    ...options,
  });
}

/** Both linked, and a stream of node a. */
function opened(options: Partial<StreamsOptions<string>> = {}) {
  const [a, b] = [open("a", options), open("b", options)];
  pair.link();
  const stream = a.register(PHONE);
  pair.settle();
  return { a, b, stream };
}

const ask = (streams: Streams<string>, { resumeId }: OwnStream) =>
  streams.resume(resumeId, { acknowledged: 3, timeoutMs: 60_000 });

async function settled(resumption: Promise<Resumption<string>>): Promise<Resumption<string>> {
  // What is asked is written before the first wait of the call, or right after it.
  await Promise.resolve();
  pair.settle();
  return resumption;
}

/** Rows of requests and answers that are left anywhere. */
function leftOver(): number {
  const tables = [pair.a, pair.b].flatMap((node) => [
    node.table<unknown>("streams.requests"),
    node.table<unknown>("streams.answers"),
  ]);
  return tables.reduce((sum, table) => sum + table.info().rows, 0);
}

describe("a resume id", () => {
  it("is random, and leads to its holder on every node until the stream ends", () => {
    const { a, b, stream } = opened();
    expect(Buffer.from(stream.resumeId, "base64url")).toHaveLength(21);
    expect(a.register(PHONE).resumeId).not.toBe(stream.resumeId);
    expect(b.lookup(stream.resumeId)).toEqual({ address: PHONE, node: "a" });
    void a.end(stream);
    pair.settle();
    expect([b.lookup(stream.resumeId), stream.state]).toEqual([undefined, "ended"]);
  });

  it("comes of the randomness that is handed in", () => {
    const a = open("a", { random: (size) => new Uint8Array(size).fill(255) });
    expect(a.register(PHONE).resumeId).toBe("_".repeat(28));
  });
});

describe("a stream that is resumed on another node", () => {
  it("goes there with what was not acknowledged, and nothing is left behind", async () => {
    const { a, b, stream } = opened();
    const resumed = await settled(ask(b, stream));
    expect(resumed).toMatchObject({ outcome: "resumed", ...given });
    pair.settle();
    expect(told).toEqual({ a: ["handOver 3 b", "handedOver handedOver"], b: [] });
    expect(a.lookup(stream.resumeId)).toEqual({ address: PHONE, node: "b" });
    expect([a.size, leftOver()]).toEqual([1, 0]);
  });

  it("can go on from there, back to where it was", async () => {
    const { a, b, stream } = opened();
    await settled(ask(b, stream));
    pair.settle();
    const back = await settled(ask(a, stream));
    expect(back.outcome).toBe("resumed");
    pair.settle();
    expect(b.lookup(stream.resumeId)?.node).toBe("a");
    expect([told.b, leftOver()]).toEqual([["handOver 3 a", "handedOver handedOver"], 0]);
  });

  it("has one winner of two who ask at once, there and on its own node", async () => {
    const { a, b, stream } = opened();
    const [far, again] = [ask(b, stream), ask(b, stream)];
    await Promise.resolve();
    const outcomes = [await settled(far), await again].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["resumed", "taken"]);
    pair.settle();
    expect(leftOver()).toBe(0);

    const other = a.register(PHONE);
    pair.settle();
    const late = ask(b, other);
    expect((await ask(a, other)).outcome).toBe("resumed");
    expect(await settled(late)).toEqual({ outcome: "taken", by: "a" });
    pair.settle();
    expect([a.lookup(other.resumeId)?.node, leftOver()]).toEqual(["a", 0]);
    expect(told.a.slice(-2)).toEqual(["handOver 3 a", "handedOver handedOver"]);
  });

  it("stays with its holder if it has more stanzas than may be handed over", async () => {
    const { b, stream } = opened({ maxStanzas: 1 });
    expect(await settled(ask(b, stream))).toEqual({ outcome: "tooLarge", node: "a" });
    pair.settle();
    expect([stream.state, leftOver()]).toEqual(["open", 0]);
    expect(told.a).toEqual(["handOver 3 b", "returned open"]);
  });

  it("stays with its holder if a stanza is larger than a row may be", async () => {
    const { b, stream } = opened();
    given = { received: 1, stanzas: ["x".repeat(2 ** 20 + 1)] };
    expect(await settled(ask(b, stream))).toEqual({ outcome: "tooLarge", node: "a" });
    pair.settle();
    expect([stream.state, leftOver()]).toEqual(["open", 0]);
  });

  it("comes back if the node that asked is gone before it has taken it", async () => {
    const { a, b, stream } = opened();
    const asked = ask(b, stream);
    await Promise.resolve();
    const { pair: two } = pair.faces;
    two.b.run();
    for (const { from, frame } of two.sent.splice(0)) two.a.receive(from, frame);
    two.a.run();
    expect([told.a, stream.state]).toEqual([["handOver 3 b"], "handingOver"]);
    expect(await ask(a, stream)).toEqual({ outcome: "taken", by: undefined });
    pair.cut();
    expect([told.a[1], stream.state]).toEqual(["returned open", "open"]);
    expect(await asked).toEqual({ outcome: "unknown" });
    pair.link();
    expect([a.lookup(stream.resumeId)?.node, leftOver()]).toEqual(["a", 0]);
    expect((await settled(ask(b, stream))).outcome).toBe("resumed");
  });

  it("is handed over also if that is learned by a state session, after the link was made anew", async () => {
    pair = new TransientPair({ opRingOps: 8 });
    const { a, b, stream } = opened();
    const asked = ask(b, stream);
    await Promise.resolve();
    pair.bToA();
    const { pair: two } = pair.faces;
    two.a.run();
    two.a.run();
    for (const { from, frame } of two.sent.splice(0)) two.b.receive(from, frame);
    two.b.run();
    expect((await asked).outcome).toBe("resumed");
    expect([stream.state, told.a]).toEqual(["handingOver", ["handOver 3 b"]]);
    pair.faces.pair.unlink();
    for (let at = 0; at < 20; at++) b.register(PHONE);
    pair.link();
    expect(two.a.counters.merges + two.b.counters.merges).toBeGreaterThan(0);
    expect(told.a).toEqual(["handOver 3 b", "handedOver handedOver"]);
    expect([a.lookup(stream.resumeId)?.node, leftOver()]).toEqual(["b", 0]);
  });

  it("was taken on both sides of a split: the later one stays, the other is told", async () => {
    const { a, b, stream } = opened();
    const asked = ask(b, stream);
    await Promise.resolve();
    pair.bToA();
    const { pair: two } = pair.faces;
    two.a.run();
    two.a.run();
    for (const { from, frame } of two.sent.splice(0)) two.b.receive(from, frame);
    two.b.run();
    const taken = await asked;
    pair.cut();
    expect(told.a).toEqual(["handOver 3 b", "returned open"]);
    expect((await ask(a, stream)).outcome).toBe("resumed");
    pair.link();
    expect([a.lookup(stream.resumeId)?.node, b.lookup(stream.resumeId)?.node]).toEqual(["a", "a"]);
    expect([taken.outcome, told.b]).toEqual(["resumed", ["lost lost"]]);
    expect(a.size + leftOver()).toBe(1);
    pair.cut();
    expect(b.lookup(stream.resumeId)).toBeUndefined();
  });

  it("is not told to be resumable while its node is down, and is lost with it", async () => {
    const { b, stream } = opened();
    pair.cut();
    expect(b.lookup(stream.resumeId)).toBeUndefined();
    expect(await ask(b, stream)).toEqual({ outcome: "unknown" });
  });

  it("stays where it is if its holder does not answer in time", async () => {
    const { a, b, stream } = opened();
    pair.faces.pair.unlink();
    const result = await b.resume(stream.resumeId, { acknowledged: 0, timeoutMs: 1 });
    expect(result).toEqual({ outcome: "unanswered", node: "a" });
    pair.link();
    expect([a.lookup(stream.resumeId)?.node, stream.state, leftOver()]).toEqual(["a", "open", 0]);
  });
});

describe("a stream that is resumed on its own node", () => {
  it("gives what was not acknowledged, and has a new holder under the same id", async () => {
    const { a, b, stream } = opened();
    const resumed = await ask(a, stream);
    expect(resumed).toMatchObject({ outcome: "resumed", ...given });
    expect(told.a).toEqual(["handOver 3 a", "handedOver handedOver"]);
    pair.settle();
    expect(b.lookup(stream.resumeId)?.node).toBe("a");
    expect(await a.end(stream, 1)).toMatchObject({ applied: false });
    expect([a.size, a.staleCounter(stream.resumeId)]).toEqual([1, undefined]);
  });
});

describe("the counter of a stream that ended", () => {
  it("is known on every node until its deadline, by the wall clock", async () => {
    const { a, b, stream } = opened();
    void a.end(stream, 42);
    pair.settle();
    expect(b.staleCounter(stream.resumeId)).toBe(42);
    expect(await ask(b, stream)).toEqual({ outcome: "stale", received: 42 });
    nowMs += 59_999;
    expect(b.staleCounter(stream.resumeId)).toBe(42);
    nowMs += 1;
    expect(b.staleCounter(stream.resumeId)).toBeUndefined();
    expect(await ask(b, stream)).toEqual({ outcome: "unknown" });
  });

  it("is removed on all nodes, and outlives the node of the stream", () => {
    const { a, b, stream } = opened();
    const [left, right] = [a, b].map((_, at) =>
      (at === 0 ? pair.a : pair.b).table("streams.stale", { lifetime: "cluster", ttlMs: 60_000 }),
    );
    void a.end(stream, 42);
    pair.settle();
    pair.cut();
    expect(b.staleCounter(stream.resumeId)).toBe(42);
    pair.link();
    pair.faces.pair.tick(59_000);
    expect([left?.size, right?.size]).toEqual([1, 1]);
    pair.faces.pair.tick(2_000);
    expect([left?.size, right?.size]).toEqual([0, 0]);
  });

  it("of a stream that was never made is not known", async () => {
    const a = open("a");
    expect(await a.resume("guessed", { acknowledged: 0 })).toEqual({ outcome: "unknown" });
  });
});

describe("wrong arguments", () => {
  it("are refused before anything changes", async () => {
    const { a, stream } = opened();
    expect(() => a.register(["x"] as never)).toThrow(InvalidArgumentError);
    expect(() => a.lookup("")).toThrow(InvalidArgumentError);
    expect(() => a.end(stream, -1)).toThrow("received is -1, allowed are whole numbers from 0");
    const wrong = a.resume(stream.resumeId, { acknowledged: 0.5 });
    await expect(wrong).rejects.toThrow(InvalidArgumentError);
    expect([stream.state, a.size]).toEqual(["open", 1]);
    expect(() => openStreams(pair.b, { maxStanzas: 0 } as never)).toThrow(InvalidOptionsError);
    expect(() => openStreams(pair.b, { maxStanzas: 0 } as never)).toThrow(
      "maxStanzas is 0, allowed is a whole number from 1 to 9000; onHandOver is undefined",
    );
  });
});
