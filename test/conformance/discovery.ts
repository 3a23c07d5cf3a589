/**
 * What every backend of discovery promises, whatever it asks. A new one runs this suite with a
 * maker of its own.
 */
import { afterEach, expect, test } from "vitest";
import { addressFault } from "../../src/discovery/address.ts";
import type { DiscoveryBackend, Registration } from "../../src/discovery/discovery.ts";
import { SkeinError } from "../../src/errors.ts";

/** Something that backends can ask: a file, a server, a list. */
export interface DiscoveryWorld {
  /** A node's backend; after it, the node can be found by others. */
  join(registration: Registration): Promise<DiscoveryBackend>;
  /** Takes away what the backends ask, and gives it back. */
  readonly fault: { away(): Promise<void>; back(): Promise<void> };
  close(): Promise<void>;
}

export interface DiscoveryMaker {
  /** A world in which the addresses given here, if it needs to know them before, are known. */
  open(addresses: readonly string[]): Promise<DiscoveryWorld>;
  /** Nodes that join later are found too. False for a list that never changes, nor goes away. */
  readonly grows: boolean;
  /** The backend gives identities. */
  readonly identifies: boolean;
}

/** How a node of the suite registers. */
export function registration(name: string, change: Partial<Registration> = {}): Registration {
  const port = 7400 + (name.codePointAt(0) ?? 0);
  const address = `ws://10.0.0.1:${port}`;
  return { cluster: "chat", name, address, protocolMin: 1, protocolMax: 2, ...change };
}

/** The suite. Call it inside a `describe`. */
export function discoveryConformance(maker: DiscoveryMaker): void {
  const three = ["a", "b", "c"].map((name) => registration(name));
  const open: { close(): Promise<void> }[] = [];

  async function makeWorld(): Promise<DiscoveryWorld> {
    const world = await maker.open(three.map((node) => node.address));
    open.push(world);
    return world;
  }

  async function join(world: DiscoveryWorld, node: Registration): Promise<DiscoveryBackend> {
    const backend = await world.join(node);
    open.push(backend);
    return backend;
  }

  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  test("each of three nodes finds the addresses of the two others, once each", async () => {
    const world = await makeWorld();
    const backends = [];
    for (const node of three) backends.push(await join(world, node));
    for (const [index, backend] of backends.entries()) {
      const found = (await backend.getNodes()).map((node) => node.address);
      expect(new Set(found).size).toBe(found.length);
      expect(found.filter((address) => addressFault(address) !== undefined)).toEqual([]);
      const others = three.filter((_, other) => other !== index).map((node) => node.address);
      expect(found).toEqual(expect.arrayContaining(others));
    }
  });

  test("queries at the same time are all answered alike", async () => {
    const world = await makeWorld();
    const [first] = await Promise.all(three.map((node) => join(world, node)));
    const answers = await Promise.all(Array.from({ length: 5 }, () => first?.getNodes()));
    const addresses = answers.map((nodes) => nodes?.map((node) => node.address).sort());
    expect(new Set(addresses.map((each) => each?.join()))).toHaveLength(1);
    expect(addresses[0]).toEqual(expect.arrayContaining(three.map((node) => node.address)));
  });

  if (maker.grows) {
    test("a node that joins later is in the next answer", async () => {
      const world = await makeWorld();
      const first = await join(world, registration("a"));
      const late = registration("z");
      expect((await first.getNodes()).map((node) => node.address)).not.toContain(late.address);
      await join(world, late);
      expect((await first.getNodes()).map((node) => node.address)).toContain(late.address);
    });
  }

  test("leaving and closing may be done twice, in any order", async () => {
    const world = await makeWorld();
    const left = await join(world, registration("a"));
    await left.getNodes();
    await left.leave();
    await left.leave();
    await left.close();
    const closed = await join(world, registration("b"));
    await closed.close();
    await closed.close();
    await closed.leave();
  });

  test("a backend that was never asked can be closed", async () => {
    const world = await makeWorld();
    await (await join(world, registration("a"))).close();
  });

  if (maker.identifies) {
    test("each node has an origin and a number of its own", async () => {
      const world = await makeWorld();
      const backends = [];
      for (const node of three) backends.push(await join(world, node));
      const identities = backends.map((backend) => backend.identity);
      expect(new Set(identities.map((identity) => identity?.origin)).size).toBe(3);
      expect(identities.map((identity) => identity?.nodeNumber)).toEqual([1, 2, 3]);
      const found = (await backends[0]?.getNodes()) ?? [];
      for (const [index, node] of three.entries()) {
        const { origin, nodeNumber } = identities[index] ?? {};
        expect(found).toContainEqual({
          address: node.address,
          name: node.name,
          origin,
          nodeNumber,
        });
      }
    });
  }

  if (maker.identifies) {
    test("a node that has left is in no answer any more", async () => {
      const world = await makeWorld();
      const staying = await join(world, registration("a"));
      const leaving = await join(world, registration("b"));
      await leaving.leave();
      expect((await staying.getNodes()).map((node) => node.name)).toEqual(["a"]);
    });
  }

  if (maker.grows) {
    test("what is away is a typed error, and the next query after its return works", async () => {
      const world = await makeWorld();
      const backend = await join(world, registration("a"));
      await join(world, registration("b"));
      await backend.getNodes();
      await world.fault.away();
      const failed = backend.getNodes();
      await expect(failed).rejects.toBeInstanceOf(SkeinError);
      await expect(failed).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
      await world.fault.back();
      const found = await backend.getNodes();
      expect(found.map((node) => node.address)).toContain(registration("b").address);
    });
  }
}
