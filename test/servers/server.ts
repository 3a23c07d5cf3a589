/**
 * Real servers for tests. Each kind is taken from an environment variable, or else started as a
 * throwaway instance of what is installed, or else skipped with a line that says what to install.
 */
import { afterAll, beforeAll, describe } from "vitest";

/** A server that answers. */
export interface Server {
  /** An administrator's URL. */
  readonly url: string;
  readonly port: number;
  /** Makes an empty database and returns its URL. */
  newDatabase(): Promise<string>;
  /** Undefined for a server of somebody else's, which is not ours to stop. */
  readonly faults: ServerFaults | undefined;
  /** Removes what was made; ends the server if it is ours. */
  dispose(): Promise<void>;
}

/** What can befall a server. */
export interface ServerFaults {
  stop(): Promise<void>;
  start(): Promise<void>;
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
}

/** A kind of server, for example PostgreSQL. */
export interface ServerKind {
  readonly name: string;
  /** Names the environment variable that may hold the URL of a running server. */
  readonly variable: string;
  /** What to install. */
  readonly install: string;
  isInstalled(): boolean;
  /** Starts a throwaway instance. */
  create(): Promise<Server>;
  /** Uses a running server. */
  attach(url: string): Promise<Server>;
}

/** Why a kind of server is not to be had; undefined if it is. */
export function whyMissing(kind: ServerKind): string | undefined {
  if (process.env[kind.variable] || kind.isInstalled()) return undefined;
  const reason = `${kind.name} is not installed: apt-get install ${kind.install}, or npm run services`;
  if (process.env.CI === "true" || process.env.SKEIN_NO_SKIP === "1") throw new Error(reason);
  return reason;
}

/** Starts or finds a server. */
export async function openServer(kind: ServerKind): Promise<Server> {
  const url = process.env[kind.variable];
  return url ? kind.attach(url) : kind.create();
}

/**
 * A group of tests with a server, which starts before the first of them and ends after the last.
 * If there is none the group is skipped, and its name says why.
 */
export function withServer(
  kind: ServerKind,
  title: string,
  tests: (server: () => Server) => void,
  needs?: "faults",
): void {
  const foreign = needs === "faults" && process.env[kind.variable];
  const reason = foreign ? `the server of ${kind.variable} is not ours to stop` : whyMissing(kind);
  if (reason !== undefined) {
    describe.skip(`${title} (skipped: ${reason})`, () => tests(notThere));
    return;
  }
  describe(title, () => {
    let server: Server | undefined;
    beforeAll(async () => {
      server = await openServer(kind);
    });
    afterAll(async () => {
      await server?.dispose();
    });
    tests(() => server ?? notThere());
  });
}

/** The faults of a server that is ours. */
export function faultsOf(server: Server): ServerFaults {
  if (server.faults === undefined) throw new Error("this server is not ours to stop");
  return server.faults;
}

function notThere(): never {
  throw new Error("the server is there while tests run, not before");
}
