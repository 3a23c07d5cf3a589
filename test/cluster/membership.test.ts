import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemberIdentity } from "../../src/cluster/cluster-events.ts";
import { Membership } from "../../src/cluster/membership.ts";

const member = (name: string, origin: number): MemberIdentity => ({
  name,
  origin,
  nodeNumber: 0,
  address: `memory://${origin}`,
});

function membershipOf(closed: readonly number[] = [], maxMembers = 100): Membership {
  const isClosed = (origin: number) => closed.includes(origin);
  return new Membership({ self: member("self", 50), maxMembers, isClosed });
}

const origins = (membership: Membership): number[] =>
  [...membership.list()].map(({ identity }) => identity.origin).sort((a, b) => a - b);

describe("Membership", () => {
  it("beats merge by maximum", () => {
    const membership = membershipOf();
    expect(membership.learn(member("a", 1), 5).kind).toBe("new");
    expect(membership.learn(member("a", 1), 5).kind).toBe("same");
    expect(membership.learn(member("a", 1), 4).kind).toBe("same");
    expect(membership.learn(member("a", 1), 6).kind).toBe("risen");
    expect(membership.get(1)?.beat).toBe(6);
  });

  it("a newer incarnation takes the place of the older one, which never comes back", () => {
    const membership = membershipOf();
    membership.learn(member("a", 1), 5);
    expect(membership.learn(member("a", 3), 0)).toEqual({ kind: "new", superseded: [1] });
    expect(origins(membership)).toEqual([3]);
    expect(membership.isClosed(1)).toBe(true);
    expect(membership.learn(member("a", 1), 99).kind).toBe("closed");
    expect(membership.learn(member("a", 2), 99).kind).toBe("superseded");
    expect(membership.verdictOn(member("a", 2))).toBe("superseded");
    expect(membership.verdictOn(member("a", 4))).toBe("open");
  });

  it("a newer incarnation of the own name is told apart, and not taken in", () => {
    const membership = membershipOf();
    expect(membership.learn(member("self", 51), 0).kind).toBe("successor");
    expect(membership.learn(member("self", 49), 0).kind).toBe("superseded");
    expect(membership.learn(member("self", 50), 9).kind).toBe("self");
    expect(membership.verdictOn(member("self", 49))).toBe("superseded");
    expect(origins(membership)).toEqual([]);
  });

  it("closed origins stay out, whoever closed them", () => {
    const membership = membershipOf([1]);
    expect(membership.learn(member("a", 1), 0).kind).toBe("closed");
    membership.learn(member("b", 2), 0);
    expect(membership.close(2)?.name).toBe("b");
    expect(membership.close(2)).toBeUndefined();
    expect(membership.learn(member("b", 2), 9).kind).toBe("closed");
    expect(membership.verdictOn(member("a", 1))).toBe("closed");
    expect(membership.verdictOn(member("b", 2))).toBe("closed");
    expect(membership.learn(member("b", 3), 0).kind).toBe("new");
  });

  it("an origin under two names is nobody to learn", () => {
    const membership = membershipOf();
    membership.learn(member("a", 1), 5);
    expect(membership.learn(member("b", 1), 9).kind).toBe("misnamed");
    expect(membership.isMisnamed(member("b", 1))).toBe(true);
    expect(membership.isMisnamed(member("a", 1))).toBe(false);
    expect(membership.get(1)?.beat).toBe(5);
  });

  it("a full list takes in restarts of known names, and counts the others", () => {
    const membership = membershipOf([], 2);
    membership.learn(member("a", 1), 0);
    membership.learn(member("b", 2), 0);
    expect(membership.learn(member("c", 3), 0).kind).toBe("full");
    expect(membership.ignoredCount).toBe(1);
    expect(membership.learn(member("a", 4), 0).kind).toBe("new");
    expect(origins(membership)).toEqual([2, 4]);
  });

  it("its side is counted with this node in it", () => {
    const membership = membershipOf();
    expect(membership.side()).toEqual({ openMembers: 1, lowestOrigin: 50 });
    membership.learn(member("a", 60), 0);
    membership.learn(member("b", 7), 0);
    expect(membership.side()).toEqual({ openMembers: 3, lowestOrigin: 7 });
    membership.close(7);
    expect(membership.side()).toEqual({ openMembers: 2, lowestOrigin: 50 });
  });

  it("what it remembers of closed origins is bounded", () => {
    const membership = membershipOf();
    for (let origin = 1000; origin < 31_000; origin++) membership.close(origin);
    expect(membership.isClosed(30_999)).toBe(true);
    expect(membership.isClosed(1000)).toBe(false);
  });

  it("whatever the order of the gossip, the newest incarnation of each name remains", () => {
    const name = fc.constantFrom("a", "b", "c", "self");
    const told = fc.record({ name, age: fc.nat(4), beat: fc.nat(9) });
    const property = fc.property(fc.array(told, { maxLength: 60 }), (tales) => {
      const membership = membershipOf();
      const newest = new Map<string, number>();
      for (const { name: of, age, beat } of tales) {
        // Origins are unique: a hundred per name.
        const origin = 100 * (of.charCodeAt(0) - 96) + age;
        membership.learn(member(of, origin), beat);
        if (of !== "self") newest.set(of, Math.max(newest.get(of) ?? 0, origin));
      }
      expect(origins(membership)).toEqual([...newest.values()].sort((a, b) => a - b));
    });
    fc.assert(property);
  });
});
