/**
 * The suite that every adapter passes: a list of claims, each shown by a function that throws if
 * it does not hold. It needs no test runner.
 */
import { adapterClaims } from "./adapter-claims.ts";
import { archiveClaims } from "./archive-claims.ts";
import { archiveQueryClaims } from "./archive-query-claims.ts";
import { keyvalClaims } from "./keyval-claims.ts";
import { mapClaims } from "./map-claims.ts";
import { type ConformanceClaim, type ConformanceSubject, Trial } from "./trial.ts";

/** One claim about one adapter. */
export interface ConformanceCase {
  /** The kind of stores and the claim, for a test's name. */
  readonly name: string;
  /** Why the adapter need not show it; undefined if it has to. */
  readonly exempt: string | undefined;
  /** Rejects if the claim does not hold. */
  readonly run: () => Promise<void>;
}

const CLAIMS: readonly ConformanceClaim[] = [
  ...keyvalClaims,
  ...mapClaims,
  ...archiveClaims,
  ...archiveQueryClaims,
  ...adapterClaims,
];

/** Names of all claims, in their order. */
export const conformanceNames: readonly string[] = CLAIMS.map(nameOf);

/**
 * All claims, for an adapter to be made later: `subject` is asked for when a case runs or says
 * whether it is exempt. Cases may run in any order and at the same time, but for those that
 * restart the adapter ("… over a restart", "… was closed").
 */
export function storeConformance(subject: () => ConformanceSubject): ConformanceCase[] {
  return CLAIMS.map((claim) => ({
    name: nameOf(claim),
    get exempt() {
      return exemption(claim, subject());
    },
    run: () => claim.show(new Trial(subject())),
  }));
}

function exemption(claim: ConformanceClaim, { adapter }: ConformanceSubject): string | undefined {
  const { kinds } = adapter.capabilities;
  if (claim.kind !== "adapter" && !kinds.includes(claim.kind)) return `it has no ${claim.kind}`;
  return claim.exempt?.(adapter.capabilities);
}

function nameOf(claim: ConformanceClaim): string {
  return `${claim.kind}: ${claim.claim}`;
}
