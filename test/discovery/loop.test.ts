import { afterEach, describe, expect, test } from "vitest";
import type { DiscoveredNode, DiscoveryBackend, Identity } from "../../src/discovery/discovery.ts";
import { DiscoveryLoop } from "../../src/discovery/loop.ts";
import type { DiscoveryTimings } from "../../src/discovery/timings.ts";
import {
  FencedError,
  InvalidOptionsError,
  MissingDriverError,
  type SkeinError,
  UnavailableError,
} from "../../src/errors.ts";
import { silentLog } from "../../src/runtime.ts";
import { registration } from "../conformance/discovery.ts";
import { middle, settle, VirtualClock } from "./clocks.ts";

/** A backend whose every call waits until the test lets it go. */
class Puppet implements DiscoveryBackend {
  readonly kind = "puppet";
  identity: Identity | undefined;
  register?: () => Promise<Identity>;
  readonly queries: {
    answer(nodes: readonly DiscoveredNode[]): void;
    fail(error: unknown): void;
  }[] = [];
  readonly calls: string[] = [];
  hint: () => void = () => undefined;
  /** What `leave` and `close` return. */
  ending: Promise<void> = Promise.resolve();

  getNodes(): Promise<readonly DiscoveredNode[]> {
    return new Promise((answer, fail) => this.queries.push({ answer, fail }));
  }

  watch(hint: () => void): void {
    this.hint = hint;
  }

  leave(): Promise<void> {
    this.calls.push("leave");
    return this.ending;
  }

  close(): Promise<void> {
    this.calls.push("close");
    return this.ending;
  }
}

const loops: DiscoveryLoop[] = [];

afterEach(async () => {
  for (const loop of loops.splice(0)) void loop.stop();
  await settle();
});

function setUp(timings: Partial<DiscoveryTimings> = {}, puppet = new Puppet()) {
  const clock = new VirtualClock();
  const answers: (readonly DiscoveredNode[])[] = [];
  const errors: SkeinError[] = [];
  const identities: Identity[] = [];
  const loop = new DiscoveryLoop({
    backend: puppet,
    clock,
    random: middle,
    log: silentLog,
    timings,
    events: {
      onNodes: (nodes) => answers.push(nodes),
      onError: (error) => errors.push(error),
      onIdentity: (identity) => identities.push(identity),
    },
  });
  loops.push(loop);
  return { puppet, clock, loop, answers, errors, identities };
}

const some = [{ address: "ws://a:1" }];

describe("asking", () => {
  test("each answer is handed on, and the next question comes when the schedule says", async () => {
    const { puppet, clock, loop, answers } = setUp();
    expect(await loop.start(registration("a"))).toBeUndefined();
    await clock.pass(0);
    expect(puppet.queries).toHaveLength(1);
    puppet.queries[0]?.answer(some);
    await loop.firstAnswer();
    expect(answers).toEqual([some]);
    await clock.pass(4999);
    expect(puppet.queries).toHaveLength(1);
    await clock.pass(1);
    expect(puppet.queries).toHaveLength(2);
    expect(loop.status()).toMatchObject({ state: "running", answerCount: 1, nodes: some });
  });

  test("after every node is linked it asks each five minutes", async () => {
    const { puppet, clock, loop } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    loop.allLinked();
    puppet.queries[0]?.answer(some);
    await clock.pass(299_999);
    expect(puppet.queries).toHaveLength(1);
    expect(loop.status().nextQueryInMs).toBe(1);
    await clock.pass(1);
    expect(puppet.queries).toHaveLength(2);
  });

  test("a hundred triggers during a query make one more, right after it", async () => {
    const { puppet, clock, loop } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    for (let count = 0; count < 100; count++) loop.trigger();
    await clock.pass(1000);
    expect(puppet.queries).toHaveLength(1);
    puppet.queries[0]?.answer(some);
    await clock.pass(0);
    expect(puppet.queries).toHaveLength(2);
    puppet.queries[1]?.answer(some);
    await clock.pass(4999);
    expect(puppet.queries).toHaveLength(2);
  });

  test("a trigger never asks inside the call, and the backend's hint is a trigger", async () => {
    const { puppet, clock, loop } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    puppet.queries[0]?.answer(some);
    await clock.pass(1000);
    puppet.hint();
    expect(puppet.queries).toHaveLength(1);
    await clock.pass(0);
    expect(puppet.queries).toHaveLength(2);
  });

  test("a node that went down makes it ask within half a minute", async () => {
    const { puppet, clock, loop } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    loop.allLinked();
    puppet.queries[0]?.answer(some);
    await clock.pass(1000);
    loop.nodeDown();
    await clock.pass(29_999);
    expect(puppet.queries).toHaveLength(1);
    await clock.pass(1);
    expect(puppet.queries).toHaveLength(2);
  });

  test("stale nodes are in the status and not in the answer", async () => {
    const { puppet, clock, loop, answers } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    const stale = { address: "ws://gone:1", stale: true };
    puppet.queries[0]?.answer([...some, stale]);
    await settle();
    expect(answers).toEqual([some]);
    expect(loop.status().nodes).toEqual([...some, stale]);
  });
});

describe("errors", () => {
  test("an error is handed on and asked again after a second, for as long as it takes", async () => {
    const { puppet, clock, loop, errors, answers } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    for (let count = 0; count < 50; count++) {
      puppet.queries[count]?.fail(new UnavailableError("the database is away"));
      await clock.pass(1000);
    }
    expect(errors).toHaveLength(50);
    expect(loop.status()).toMatchObject({
      errorCount: 50,
      errorsInRow: 50,
      lastError: { code: "ERR_SKEIN_UNAVAILABLE", message: "the database is away" },
    });
    puppet.queries[50]?.answer(some);
    await loop.firstAnswer();
    expect(answers).toEqual([some]);
    expect(loop.status()).toMatchObject({ errorCount: 50, errorsInRow: 0 });
  });

  test("the last answer stays while errors follow", async () => {
    const { puppet, clock, loop, answers } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    puppet.queries[0]?.answer(some);
    await clock.pass(5000);
    puppet.queries[1]?.fail(new Error("whatever a user's code throws"));
    await clock.pass(0);
    expect(loop.status()).toMatchObject({ nodes: some, errorsInRow: 1 });
    expect(answers).toHaveLength(1);
  });

  test("a query of more than 5 s counts as failed, and its late answer is dropped", async () => {
    const { puppet, clock, loop, answers, errors } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    await clock.pass(4999);
    expect(errors).toEqual([]);
    await clock.pass(1);
    expect(errors.map((error) => error.message)).toEqual(["puppet: no answer within 5000 ms"]);
    puppet.queries[0]?.answer(some);
    await settle();
    expect(answers).toEqual([]);
    await clock.pass(1000);
    expect(puppet.queries).toHaveLength(2);
  });

  test("at most three queries that never settle are waited for", async () => {
    const { puppet, clock, loop, answers } = setUp();
    await loop.start(registration("a"));
    await clock.pass(600_000);
    expect(puppet.queries).toHaveLength(3);
    expect(loop.status().lastError?.message).toContain("still waits for 3 queries");
    puppet.queries[1]?.fail(new Error("at last"));
    await clock.pass(1000);
    expect(puppet.queries).toHaveLength(4);
    puppet.queries[3]?.answer(some);
    await settle();
    expect(answers).toEqual([some]);
  });

  test("a query in its time-out does not keep the loop from stopping at once", async () => {
    const { clock, loop, errors } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    await loop.stop();
    expect(errors).toEqual([]);
    expect(clock.pending).toBe(0);
    await expect(loop.firstAnswer()).rejects.toMatchObject({ code: "ERR_SKEIN_NOT_RUNNING" });
  });

  test("a fenced node is told so, and the loop asks no more", async () => {
    const { puppet, clock, loop, errors } = setUp();
    await loop.start(registration("a"));
    await clock.pass(0);
    puppet.queries[0]?.fail(new FencedError("incarnation 1 of a was replaced by 2"));
    await clock.pass(3_600_000);
    expect(errors).toHaveLength(1);
    expect(puppet.queries).toHaveLength(1);
    expect(loop.status()).toMatchObject({ state: "fenced" });
    await expect(loop.firstAnswer()).rejects.toBeInstanceOf(FencedError);
  });
});

describe("registering", () => {
  function registering(results: readonly (Identity | Error)[]) {
    const puppet = new Puppet();
    const rest = [...results];
    puppet.register = async () => {
      puppet.calls.push("register");
      const next = rest.shift();
      if (next === undefined || next instanceof Error) throw next ?? new UnavailableError("away");
      puppet.identity = next;
      return next;
    };
    return setUp({}, puppet);
  }

  test("comes before the first query, and gives the identity", async () => {
    const { puppet, clock, loop } = registering([{ origin: 5, nodeNumber: 2 }]);
    expect(await loop.start(registration("a"))).toEqual({ origin: 5, nodeNumber: 2 });
    expect(puppet.queries).toHaveLength(0);
    await clock.pass(0);
    expect(puppet.queries).toHaveLength(1);
    expect(loop.status().identity).toEqual({ origin: 5, nodeNumber: 2 });
  });

  test("is tried again each second while the database is away, triggers or not", async () => {
    const away = new UnavailableError("away");
    const { puppet, clock, loop, errors } = registering([away, away, { origin: 1, nodeNumber: 1 }]);
    const started = loop.start(registration("a"));
    await clock.pass(0);
    expect(loop.status()).toMatchObject({
      state: "registering",
      lastError: { code: "ERR_SKEIN_UNAVAILABLE", message: "away" },
    });
    loop.trigger();
    loop.nodeDown();
    await clock.pass(999);
    expect(puppet.calls).toHaveLength(1);
    await clock.pass(1001);
    expect(await started).toEqual({ origin: 1, nodeNumber: 1 });
    expect(errors).toHaveLength(2);
  });

  test("ends at once when the loop is stopped", async () => {
    const { clock, loop, puppet } = registering([]);
    const started = loop.start(registration("a"));
    const refused = expect(started).rejects.toMatchObject({ code: "ERR_SKEIN_NOT_RUNNING" });
    await clock.pass(2500);
    await loop.stop();
    await refused;
    const calls = puppet.calls.length;
    await clock.pass(60_000);
    expect(puppet.calls).toHaveLength(calls);
  });

  test("fails at once for what no waiting cures", async () => {
    const { loop, errors } = registering([new MissingDriverError("npm install mysql2")]);
    await expect(loop.start(registration("a"))).rejects.toBeInstanceOf(MissingDriverError);
    expect(errors).toHaveLength(1);
    expect(loop.status().state).toBe("stopped");
    await expect(loop.firstAnswer()).rejects.toBeInstanceOf(MissingDriverError);
  });

  test("a number that changes later is handed on", async () => {
    const { puppet, clock, loop, identities } = registering([{ origin: 5, nodeNumber: 2 }]);
    await loop.start(registration("a"));
    await clock.pass(0);
    puppet.queries[0]?.answer(some);
    await clock.pass(5000);
    expect(identities).toEqual([]);
    puppet.identity = { origin: 5, nodeNumber: 3 };
    puppet.queries[1]?.answer(some);
    await settle();
    expect(identities).toEqual([{ origin: 5, nodeNumber: 3 }]);
    expect(loop.status().identity?.nodeNumber).toBe(3);
  });

  test("a loop starts once", async () => {
    const { loop } = registering([{ origin: 5, nodeNumber: 2 }]);
    await loop.start(registration("a"));
    await expect(loop.start(registration("a"))).rejects.toMatchObject({
      code: "ERR_SKEIN_NOT_RUNNING",
    });
  });
});

describe("ending", () => {
  test("stop closes and leave leaves, once each, and both may be repeated", async () => {
    for (const how of ["stop", "leave"] as const) {
      const { puppet, loop, clock } = setUp();
      await loop.start(registration("a"));
      await Promise.all([loop[how](), loop[how](), loop.stop()]);
      expect(puppet.calls).toEqual([how === "stop" ? "close" : "leave"]);
      await clock.pass(600_000);
      expect(puppet.queries).toHaveLength(0);
      expect(loop.status()).toMatchObject({ state: "stopped" });
    }
  });

  test("a backend that hangs delays the end by two seconds at most", async () => {
    const { puppet, loop, clock } = setUp();
    puppet.ending = new Promise(() => undefined);
    await loop.start(registration("a"));
    let ended = false;
    void loop.leave().then(() => {
      ended = true;
    });
    await clock.pass(1999);
    expect(ended).toBe(false);
    await clock.pass(1);
    expect(ended).toBe(true);
  });

  test("a row that could not be removed is an error, and the end comes all the same", async () => {
    const { puppet, loop, errors } = setUp();
    puppet.ending = Promise.reject(new UnavailableError("the database is away"));
    await loop.start(registration("a"));
    await loop.leave();
    expect(errors.map((error) => error.message)).toEqual(["the database is away"]);
    expect(loop.status().lastError?.code).toBe("ERR_SKEIN_UNAVAILABLE");
  });
});

test("timings out of range are refused, all at once", () => {
  const make = () => setUp({ errorMs: 0, regularMs: Number.NaN, queryTimeoutMs: 1e12 });
  expect(make).toThrow(InvalidOptionsError);
  for (const name of ["errorMs", "regularMs", "queryTimeoutMs"]) expect(make).toThrow(name);
});
