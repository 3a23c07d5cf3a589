/**
 * The rows that the demonstration keeps: sessions of a chat service, as many users on as many
 * devices have them. Made from a number alone, so that every process knows every row.
 */

/** About 190 bytes when encoded. */
export interface Session {
  readonly user: string;
  readonly resource: string;
  readonly stream: string;
  readonly since: number;
  readonly priority: number;
  readonly address: string;
  readonly client: { readonly name: string; readonly version: string };
  readonly features: readonly string[];
}

/** Domain, user and resource. */
export type SessionKey = readonly [domain: string, user: string, resource: string];

const DOMAIN = "example.com";
const NAMES = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
const CLIENTS = ["Conversations", "Gajim", "Dino", "Monal", "Movim"];
const FEATURES = ["carbons", "csi", "mam:2", "bookmarks:1"];

/** The user that has session `index` on every node. */
export function userAt(index: number): string {
  return `${NAMES[index % NAMES.length]}.${index}`;
}

/** Session `index` of the node: the same users everywhere, each node another device. */
export function keyAt(node: string, index: number): SessionKey {
  return [DOMAIN, userAt(index), `device-${node}`];
}

/** What is written under it. `round` tells one writing of it from the next. */
export function sessionAt(node: string, index: number, round: number): Session {
  return {
    user: userAt(index),
    resource: `device-${node}`,
    stream: scrambled(index, round),
    since: 1_750_000_000_000 + index * 977 + round,
    priority: index % 8,
    address: `192.0.2.${index % 254}:${1_024 + (index % 60_000)}`,
    client: { name: CLIENTS[index % CLIENTS.length] ?? "", version: `2.${index % 20}.1` },
    features: FEATURES,
  };
}

/** Sixteen hexadecimal digits that look like an id. */
function scrambled(index: number, round: number): string {
  const high = Math.imul(index + 1, 0x9e3779b1) >>> 0;
  const low = Math.imul(high ^ (round + 1), 0x85ebca6b) >>> 0;
  return (high.toString(16) + low.toString(16)).padStart(16, "0").slice(0, 16);
}
