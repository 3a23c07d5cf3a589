/**
 * The rows of all benchmarks: session records as a chat server keeps them, about 190 bytes each
 * in Erlang's external term format. `mnesia/skein_bench.erl` makes the same rows from the same
 * numbers. Three rows for each user, so that a scan by user finds three.
 */

/** A session's value. */
export interface Session {
  readonly started: number;
  readonly owner: string;
  readonly priority: number;
  readonly info: {
    readonly ip: string;
    readonly port: number;
    readonly tls: boolean;
    readonly client: string;
    readonly version: string;
  };
}

/** A session's key: domain, user, resource. */
export type SessionKey = readonly [string, string, string];

export const DOMAIN = "example.com";
export const ROWS_PER_USER = 3;

/** The user that row `index` belongs to. */
export function userOf(index: number): string {
  return `user${String(Math.floor(index / ROWS_PER_USER)).padStart(8, "0")}`;
}

export function keyOf(index: number): SessionKey {
  return [DOMAIN, userOf(index), `phone${index % ROWS_PER_USER}`];
}

/** The same key as one string, for tables that are keyed by strings. */
export function textKeyOf(index: number): string {
  return `${userOf(index)}@${DOMAIN}/phone${index % ROWS_PER_USER}`;
}

const FIRST_STARTED = 1_700_000_000_000_000;

/** The user of a session as an index function finds it, from the value alone. */
export function userOfSession({ started }: Session): string {
  return userOf(started - FIRST_STARTED);
}

export function sessionOf(index: number): Session {
  return {
    started: FIRST_STARTED + index,
    owner: "n1@127.0.0.1",
    priority: index % 10,
    info: {
      ip: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
      port: 1024 + (index % 60_000),
      tls: true,
      client: "Conversations",
      version: "2.12.1",
    },
  };
}

/** `count` rows from row `from` on, as `setMany` takes them. */
export function rowsFrom(from: number, count: number): [SessionKey, Session][] {
  return Array.from({ length: count }, (_, offset) => [
    keyOf(from + offset),
    sessionOf(from + offset),
  ]);
}
