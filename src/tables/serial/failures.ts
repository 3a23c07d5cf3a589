/** What failed calls are told. */
import { SerialUnknownError, type SkeinError, UnsupportedError } from "../../errors.ts";
import type { Leader } from "./leader.ts";
import type { SerialMembers } from "./members.ts";

/** Nodes of older software are in the cluster. */
export function tooOld(names: readonly string[]): UnsupportedError {
  return new UnsupportedError(
    `serial operations need all nodes to know them; too old: ${names.join(", ")}`,
  );
}

/** The call had decided, and may have written, when it was given up. */
export function unknown(cause: SkeinError, isWritten: boolean): SerialUnknownError {
  const where = isWritten ? "it may stand on this node" : "nothing was written";
  return new SerialUnknownError(`the outcome is not known, ${where}: ${cause.message}`, {
    cause,
    isWritten,
  });
}

/** What a call waited for that got no key; `leader` is null where none is followed. */
export function whyNoKey(of: {
  readonly self: number;
  readonly members: SerialMembers;
  readonly leader: Leader | null;
  readonly quorum: boolean;
}): string {
  const { self, members, leader, quorum } = of;
  if (leader === null) return whyNoLeader(members, self);
  const awaited = leader.term === null ? [] : leader.awaited();
  if (awaited.length > 0) return `the leader waits for ${awaited.join(", ")}`;
  return `the key was not free${quorum ? ", or no majority is within reach" : ""}`;
}

function whyNoLeader(members: SerialMembers, self: number): string {
  const { lowest } = members;
  if (lowest === self) return "this node has not met all that it can reach";
  const member = members.get(lowest);
  const name = member?.name ?? String(lowest);
  if (member?.linked === true) return `${name}, who is to lead, does not yet`;
  return `no link to ${name}, who leads, and no common neighbour that passes on`;
}
