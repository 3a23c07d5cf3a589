import { describe, expect, it } from "vitest";
import type { Verdict } from "../../src/cluster/cluster-frames.ts";
import { checkClusterOptions } from "../../src/cluster/cluster-options.ts";
import { Handshake, highestCommon, isLargerSide } from "../../src/cluster/handshake.ts";
import { SeededRandom } from "../../src/testing/seeded-random.ts";

interface End {
  readonly origin: number;
  readonly verdict?: Verdict;
  readonly openMembers?: number;
  readonly secrets?: readonly string[];
}

function handshakeOf(end: End, role: "dialler" | "acceptor"): Handshake {
  const { origin, verdict = "open", openMembers = 1, secrets = ["s"] } = end;
  const random = new SeededRandom(origin);
  const about = { cluster: "c", name: `n${origin}`, origin, nodeNumber: 0, address: `x${origin}` };
  const node = {
    options: checkClusterOptions({ ...about, secrets }),
    wall: () => 1000,
    nonce: () => random.bytes(16),
    side: () => ({ openMembers, lowestOrigin: origin }),
    verdictOn: () => verdict,
    isMisnamed: () => false,
  };
  return new Handshake(node, role);
}

/** As a socket hands it over: a Buffer whose bytes are another frame's after the call. */
function handOver<T>(bytes: Uint8Array, take: (frame: Uint8Array) => T): T {
  const shared = Buffer.from(bytes);
  const result = take(shared);
  shared.fill(0xee);
  return result;
}

/** Runs a handshake to its end; what either end found of whom is closed. */
function run(dialling: End, accepting: End) {
  const dialler = handshakeOf(dialling, "dialler");
  const acceptor = handshakeOf(accepting, "acceptor");
  const welcome = handOver(dialler.hello(), (frame) => acceptor.receive(frame));
  if (welcome.kind !== "reply") throw new Error(`hello led to ${welcome.kind}`);
  const proof = handOver(welcome.reply, (frame) => dialler.receive(frame));
  if (proof.kind !== "reply") throw new Error(`welcome led to ${proof.kind}`);
  const done = handOver(proof.reply, (frame) => acceptor.receive(frame));
  if (done.kind !== "done") throw new Error(`proof led to ${done.kind}`);
  return {
    ofDialler: [
      proof.judgement.selfIsFenced && "dialler",
      proof.judgement.peerIsFenced && "acceptor",
    ].filter(Boolean),
    ofAcceptor: [
      done.judgement.peerIsFenced && "dialler",
      done.judgement.selfIsFenced && "acceptor",
    ].filter(Boolean),
  };
}

describe("Handshake", () => {
  it("is done although the transport reuses the bytes of its frames", () => {
    expect(run({ origin: 1 }, { origin: 2 })).toEqual({ ofDialler: [], ofAcceptor: [] });
  });

  it.each([
    ["open", "open", []],
    ["closed", "open", ["acceptor"]],
    ["open", "closed", ["dialler"]],
    ["superseded", "open", ["acceptor"]],
    ["open", "superseded", ["dialler"]],
    ["superseded", "closed", ["dialler", "acceptor"]],
    ["closed", "superseded", ["dialler", "acceptor"]],
    ["superseded", "superseded", ["dialler", "acceptor"]],
  ] as const)("dialler holds %s, acceptor holds %s: both agree on %j", (his, hers, fenced) => {
    const found = run({ origin: 1, verdict: his }, { origin: 2, verdict: hers });
    expect(found).toEqual({ ofDialler: fenced, ofAcceptor: fenced });
  });

  it.each([
    [3, 2, "acceptor"],
    [2, 3, "dialler"],
    [2, 2, "acceptor"],
  ])("with %d and %d members that closed one another, the %s is fenced", (his, hers, fenced) => {
    const found = run(
      { origin: 1, verdict: "closed", openMembers: his },
      { origin: 2, verdict: "closed", openMembers: hers },
    );
    expect(found).toEqual({ ofDialler: [fenced], ofAcceptor: [fenced] });
  });

  it("a verdict that was changed on the way spoils the proof", () => {
    const dialler = handshakeOf({ origin: 1 }, "dialler");
    const acceptor = handshakeOf({ origin: 2 }, "acceptor");
    const welcome = acceptor.receive(dialler.hello());
    const proof = welcome.kind === "reply" ? dialler.receive(welcome.reply) : welcome;
    if (proof.kind !== "reply") throw new Error(proof.kind);
    const changed = new Uint8Array(proof.reply);
    changed[1] = 1;
    expect(acceptor.receive(changed)).toMatchObject({ kind: "refuse", reason: "secret" });
  });

  it("any byte of hello or welcome that was changed on the way is noticed", () => {
    const size = handshakeOf({ origin: 1 }, "dialler").hello().length;
    for (let at = 0; at < size; at++) {
      const dialler = handshakeOf({ origin: 1 }, "dialler");
      const acceptor = handshakeOf({ origin: 2 }, "acceptor");
      const hello = new Uint8Array(dialler.hello());
      hello[at] = (hello[at] ?? 0) ^ 1;
      const outcome = ((): string => {
        try {
          const welcome = acceptor.receive(hello);
          return welcome.kind === "reply" ? dialler.receive(welcome.reply).kind : welcome.kind;
        } catch {
          return "malformed";
        }
      })();
      expect(["refuse", "malformed"], `byte ${at}`).toContain(outcome);
    }
  });

  it("two handshakes of the same nodes have no proof in common", () => {
    const node = new SeededRandom(5);
    const proofs = new Set<string>();
    for (let count = 0; count < 20; count++) {
      const dialler = handshakeOf({ origin: 1 + Math.floor(node.float() * 1e9) }, "dialler");
      const acceptor = handshakeOf({ origin: 2 }, "acceptor");
      const welcome = acceptor.receive(dialler.hello());
      if (welcome.kind === "reply") proofs.add(Buffer.from(welcome.reply).toString("hex", -32));
    }
    expect(proofs.size).toBe(20);
  });
});

describe("choosing", () => {
  it("the highest common version, if there is one", () => {
    expect(highestCommon({ min: 1, max: 3 }, { min: 2, max: 9 })).toBe(3);
    expect(highestCommon({ min: 2, max: 9 }, { min: 1, max: 2 })).toBe(2);
    expect(highestCommon({ min: 1, max: 1 }, { min: 2, max: 2 })).toBeUndefined();
  });

  it("of two sides exactly one goes on", () => {
    const sides = [1, 2, 3].flatMap((openMembers) =>
      [5, 6].map((lowestOrigin) => ({ openMembers, lowestOrigin })),
    );
    for (const one of sides) {
      for (const other of sides) {
        if (one !== other) expect(isLargerSide(one, other)).toBe(!isLargerSide(other, one));
      }
    }
  });
});
