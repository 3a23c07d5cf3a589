/** The options of a Cluster, their defaults, and one check that names all faults at once. */
import { InvalidOptionsError } from "../errors.ts";
import {
  ADDRESS_BYTES_MAX,
  FEATURE_BYTES_MAX,
  FEATURES_MAX,
  faultOfText,
  NAME_BYTES_MAX,
  NODE_NUMBER_END,
} from "./frame-limits.ts";

/** Waits in milliseconds, and limits. */
export interface ClusterTimings {
  /** Between two pings on each link, ms. Default 1000. */
  readonly pingMs: number;
  /**
   * Silence after which a member is down, ms. Default 3500; at least twice `pingMs`. Looked at four
   * times in each `pingMs`: a node that hangs holds up writes for less than four seconds.
   */
  readonly downMs: number;
  /**
   * Silence after its host refused a redial, ms: then it is down. Default 1500. At once, where it
   * was found at that address before and all members say that they have no link to it.
   */
  readonly refusedDownMs: number;
  /** A dial and its handshake take at most this, ms. Default 5000. */
  readonly handshakeMs: number;
  /** First wait before a redial, ms; doubled for each failure. Default 100. */
  readonly redialMinMs: number;
  /** Longest wait before a redial, ms. Default 5000. */
  readonly redialMaxMs: number;
  /** Down for so long, at all members: closed, ms. 0 = never. Default 600000 (10 min). */
  readonly forgetAfterMs: number;
  /** Wall clocks further apart than this do not link, ms. Default 60000. */
  readonly maxClockSkewMs: number;
  /** Largest frame, bytes. Default 16777216 (16 MiB). */
  readonly maxFrameBytes: number;
  /** A link with more than this waiting to be read is closed, bytes. Default 67108864 (64 MiB). */
  readonly maxBufferedBytes: number;
  /** Accepted links whose handshake is not done. Default 64. */
  readonly maxPendingLinks: number;
  /** The same, for one remote host. Default 16. */
  readonly maxPendingPerAddress: number;
  /** Attempts to dial that are under way at once. Default 64. */
  readonly maxDials: number;
  /** Other nodes known, down ones included. Default 10000, which is also the most. */
  readonly maxMembers: number;
}

/** What a Cluster is told about itself. */
export interface ClusterOptions {
  /** Nodes of other clusters never link. 1 to 255 bytes. */
  readonly cluster: string;
  /** This node's name, unique in the cluster. 1 to 255 bytes. */
  readonly name: string;
  /** This incarnation: unique in the cluster, larger for each restart of a name; 1 or more. */
  readonly origin: number;
  /** Small number for archive ids, 0 = none. */
  readonly nodeNumber: number;
  /** Where others dial this node. 1 to 512 bytes. */
  readonly address: string;
  /** The first one signs, all verify; [] = none. Up to 8. */
  readonly secrets: readonly string[];
  /** What this node can do beyond its protocol version. Default none. */
  readonly features?: readonly string[];
  /** Protocol versions spoken; for tests of rolling upgrades. Default: all that are built in. */
  readonly protocols?: ProtocolRange;
  /** Waits and limits that differ from their defaults. */
  readonly timings?: Partial<ClusterTimings>;
}

/** Protocol versions, both ends included. */
export interface ProtocolRange {
  readonly min: number;
  readonly max: number;
}

/** The options with everything filled in. */
export interface CheckedClusterOptions extends Required<ClusterOptions> {
  readonly timings: ClusterTimings;
}

/** The versions that this code speaks. */
export const BUILT_IN_PROTOCOLS: ProtocolRange = { min: 1, max: 1 };

/** Used where an option is left out. */
export const DEFAULT_CLUSTER_TIMINGS: ClusterTimings = {
  pingMs: 1000,
  downMs: 3500,
  refusedDownMs: 1500,
  handshakeMs: 5000,
  redialMinMs: 100,
  redialMaxMs: 5000,
  forgetAfterMs: 600_000,
  maxClockSkewMs: 60_000,
  maxFrameBytes: 16 * 1024 * 1024,
  maxBufferedBytes: 64 * 1024 * 1024,
  maxPendingLinks: 64,
  maxPendingPerAddress: 16,
  maxDials: 64,
  maxMembers: 10_000,
};

const SECRETS_MAX = 8;
const MEMBERS_MAX = 10_000;
/** A frame limit below this could not carry a ping of a small cluster. */
const FRAME_BYTES_MIN = 64 * 1024;
/** Timers of Node do not reach further. */
const WAIT_MS_MAX = 2 ** 31 - 1;

/** Fills the defaults in. Throws InvalidOptionsError that names every fault. */
export function checkClusterOptions(options: ClusterOptions): CheckedClusterOptions {
  const timings = { ...DEFAULT_CLUSTER_TIMINGS, ...options.timings };
  const checked: CheckedClusterOptions = {
    features: [],
    protocols: BUILT_IN_PROTOCOLS,
    ...options,
    timings,
  };
  const faults = [
    ...identityFaults(checked),
    ...protocolFaults(checked.protocols),
    ...timingFaults(timings),
  ];
  if (faults.length > 0) throw new InvalidOptionsError("cluster options", faults);
  return checked;
}

function identityFaults(options: CheckedClusterOptions): string[] {
  const faults: string[] = [];
  const text = (name: string, value: string, maxBytes: number): void => {
    const fault = faultOfText(value, maxBytes);
    if (fault !== undefined) faults.push(`${name} ${fault}`);
  };
  text("cluster", options.cluster, NAME_BYTES_MAX);
  text("name", options.name, NAME_BYTES_MAX);
  text("address", options.address, ADDRESS_BYTES_MAX);
  if (!Number.isSafeInteger(options.origin) || options.origin < 1) {
    faults.push(`origin is ${options.origin}, allowed are whole numbers from 1 to 2^53 - 1`);
  }
  if (!isWhole(options.nodeNumber) || options.nodeNumber >= NODE_NUMBER_END) {
    faults.push(`nodeNumber is ${options.nodeNumber}, allowed are 0 to ${NODE_NUMBER_END - 1}`);
  }
  if (options.secrets.length > SECRETS_MAX) {
    faults.push(`${options.secrets.length} secrets, at most ${SECRETS_MAX} are allowed`);
  }
  if (options.secrets.some((secret) => typeof secret !== "string" || secret === "")) {
    faults.push("a secret is empty or no string; leave it out instead");
  }
  if (options.features.length > FEATURES_MAX) {
    faults.push(`${options.features.length} features, at most ${FEATURES_MAX} are allowed`);
  }
  for (const feature of options.features) text("feature", feature, FEATURE_BYTES_MAX);
  return faults;
}

function protocolFaults({ min, max }: ProtocolRange): string[] {
  if (isWhole(min) && isWhole(max) && min >= 1 && max >= min && max <= 65_535) return [];
  return [`protocols are ${min} to ${max}, allowed is a range within 1 to 65535`];
}

function timingFaults(timings: ClusterTimings): string[] {
  const faults: string[] = [];
  for (const name of Object.keys(timings)) {
    if (!Object.hasOwn(DEFAULT_CLUSTER_TIMINGS, name)) faults.push(`unknown timing "${name}"`);
  }
  for (const [name, value] of Object.entries(timings)) {
    const least = name === "forgetAfterMs" || name === "maxClockSkewMs" ? 0 : 1;
    const most = name.endsWith("Ms") ? WAIT_MS_MAX : Number.MAX_SAFE_INTEGER;
    if (!isWhole(value) || value < least || value > most) {
      faults.push(`${name} is ${value}, allowed are whole numbers from ${least} to ${most}`);
    }
  }
  if (timings.downMs < 2 * timings.pingMs) {
    faults.push(
      `downMs is ${timings.downMs}, at least twice pingMs (${timings.pingMs}) is allowed`,
    );
  }
  if (timings.redialMaxMs < timings.redialMinMs) {
    faults.push(`redialMaxMs is ${timings.redialMaxMs}, below redialMinMs ${timings.redialMinMs}`);
  }
  if (timings.maxMembers > MEMBERS_MAX) {
    faults.push(`maxMembers is ${timings.maxMembers}, at most ${MEMBERS_MAX} is allowed`);
  }
  if (timings.maxFrameBytes < FRAME_BYTES_MIN) {
    faults.push(
      `maxFrameBytes is ${timings.maxFrameBytes}, at least ${FRAME_BYTES_MIN} is allowed`,
    );
  }
  return faults;
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
