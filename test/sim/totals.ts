/** What a run, or many, did: sums that are printed, and minima that are asserted. */

/** All of them are sums over seeds. */
export interface Totals {
  seeds: number;
  smallWorlds: number;
  mediumWorlds: number;
  largeWorlds: number;
  formerWorlds: number;
  longWorlds: number;
  writes: number;
  ops: number;
  acked: number;
  ackTimeouts: number;
  fencedWrites: number;
  refusedWrites: number;
  pausedWrites: number;
  pauses: number;
  guardedMajorities: number;
  guardedWrites: number;
  judgedMinorities: number;
  guardedLeases: number;
  leaseWrites: number;
  judgedDeaf: number;
  leaseTerms: number;
  leaseAnswersLost: number;
  messages: number;
  bytes: number;
  connections: number;
  sessions: number;
  sessionsAborted: number;
  lists: number;
  opsAnswers: number;
  relayed: number;
  duplicates: number;
  digestsCompared: number;
  divergences: number;
  comparisons: number;
  mendedRows: number;
  far: number;
  merges: number;
  mergeSlices: number;
  tablesTaken: number;
  hides: number;
  shows: number;
  closings: number;
  retirements: number;
  retirementsAdopted: number;
  lagging: number;
  acksRelayed: number;
  boots: number;
  crashes: number;
  goodbyes: number;
  fenced: number;
  stalls: number;
  cuts: number;
  /** Times that nobody was let in at the address of a node that ran. */
  refusals: number;
  /** Members that were found down because their host refused, and those of them that lived. */
  refusedDowns: number;
  refusedLives: number;
  brokenLinks: number;
  brokenMeshes: number;
  endings: number;
  /** Nodes that had applied more of a retired origin than those who retired it. */
  strayed: number;
  tablesRemoved: number;
  withdrawn: number;
  keyChecks: number;
  fullChecks: number;
  deathChecks: number;
  changes: number;
  losses: number;
  expiries: number;
  aheadMost: number;
  virtualMs: number;
  serialCalls: number;
  serialDone: number;
  serialUnknown: number;
  /** Calls that were refused because of a node of older software. */
  serialTooOld: number;
  /** Ways around broken links. */
  detours: number;
  ambushes: number;
  serialTakeovers: number;
  serialHolds: number;
  histories: number;
  historiesCut: number;
  /** Histories of a key with a change of the leader inside. */
  historiesWithChange: number;
  quorumHistories: number;
  quorumWithChange: number;
  historyCalls: number;
  searchesGivenUp: number;
}

/** All zero. */
export function newTotals(): Totals {
  return {
    seeds: 0,
    smallWorlds: 0,
    mediumWorlds: 0,
    largeWorlds: 0,
    formerWorlds: 0,
    longWorlds: 0,
    writes: 0,
    ops: 0,
    acked: 0,
    ackTimeouts: 0,
    fencedWrites: 0,
    refusedWrites: 0,
    pausedWrites: 0,
    pauses: 0,
    guardedMajorities: 0,
    guardedWrites: 0,
    judgedMinorities: 0,
    guardedLeases: 0,
    leaseWrites: 0,
    judgedDeaf: 0,
    leaseTerms: 0,
    leaseAnswersLost: 0,
    messages: 0,
    bytes: 0,
    connections: 0,
    sessions: 0,
    sessionsAborted: 0,
    lists: 0,
    opsAnswers: 0,
    relayed: 0,
    duplicates: 0,
    digestsCompared: 0,
    divergences: 0,
    comparisons: 0,
    mendedRows: 0,
    far: 0,
    merges: 0,
    mergeSlices: 0,
    tablesTaken: 0,
    hides: 0,
    shows: 0,
    closings: 0,
    retirements: 0,
    retirementsAdopted: 0,
    lagging: 0,
    acksRelayed: 0,
    boots: 0,
    crashes: 0,
    goodbyes: 0,
    fenced: 0,
    stalls: 0,
    cuts: 0,
    refusals: 0,
    refusedDowns: 0,
    refusedLives: 0,
    brokenLinks: 0,
    brokenMeshes: 0,
    endings: 0,
    strayed: 0,
    tablesRemoved: 0,
    withdrawn: 0,
    keyChecks: 0,
    fullChecks: 0,
    deathChecks: 0,
    changes: 0,
    losses: 0,
    expiries: 0,
    aheadMost: 0,
    virtualMs: 0,
    serialCalls: 0,
    serialDone: 0,
    serialUnknown: 0,
    serialTooOld: 0,
    detours: 0,
    ambushes: 0,
    serialTakeovers: 0,
    serialHolds: 0,
    histories: 0,
    historiesCut: 0,
    historiesWithChange: 0,
    quorumHistories: 0,
    quorumWithChange: 0,
    historyCalls: 0,
    searchesGivenUp: 0,
  };
}

const NAMES = Object.keys(newTotals()) as (keyof Totals)[];

/** Adds one run to the sums. */
export function addTotals(sum: Totals, run: Readonly<Totals>): void {
  for (const name of NAMES) {
    if (name === "aheadMost") sum.aheadMost = Math.max(sum.aheadMost, run.aheadMost);
    else sum[name] += run[name];
  }
}

/** Adds those counters that have a sum of their name; the others are not of interest. */
export function addCounters(sum: Totals, counters: object): void {
  for (const [name, value] of Object.entries(counters)) {
    const total = NAMES.find((known) => known === name);
    if (total !== undefined && typeof value === "number") sum[total] += value;
  }
}

/** Least averages per seed: a run below them proves less than it seems to. */
export const LEAST_PER_SEED: Readonly<Partial<Record<keyof Totals, number>>> = {
  smallWorlds: 0.7,
  mediumWorlds: 0.05,
  largeWorlds: 0.01,
  writes: 40,
  messages: 280,
  sessions: 3,
  sessionsAborted: 0.03,
  lists: 0.4,
  opsAnswers: 4,
  relayed: 0.8,
  merges: 3,
  mergeSlices: 10,
  tablesTaken: 0.5,
  hides: 0.4,
  shows: 1,
  closings: 1,
  retirements: 1,
  retirementsAdopted: 0.4,
  lagging: 0.1,
  acksRelayed: 0.2,
  ackTimeouts: 1,
  far: 0.5,
  digestsCompared: 5,
  mendedRows: 0.1,
  duplicates: 0,
  fenced: 0.02,
  goodbyes: 0.1,
  brokenLinks: 0.05,
  brokenMeshes: 0.002,
  endings: 0.05,
  ambushes: 0.5,
  tablesRemoved: 0.2,
  withdrawn: 0.2,
  crashes: 0.5,
  refusals: 0.05,
  refusedDowns: 0.05,
  fullChecks: 8,
  keyChecks: 150,
  deathChecks: 10,
  changes: 60,
  losses: 4,
  expiries: 1,
};

/** The same of runs with tables that pause. */
export const LEAST_PER_SPLIT_SEED: typeof LEAST_PER_SEED = {
  writes: 60,
  refusedWrites: 10,
  pausedWrites: 0.3,
  pauses: 1,
  guardedMajorities: 0.2,
  guardedWrites: 2,
  judgedMinorities: 1,
  guardedLeases: 0.2,
  leaseWrites: 5,
  judgedDeaf: 0.5,
  leaseTerms: 1,
  leaseAnswersLost: 0.1,
  brokenMeshes: 0.02,
};

/** The same of runs of serial calls. */
export const LEAST_PER_SERIAL_SEED: typeof LEAST_PER_SEED = {
  serialCalls: 150,
  serialDone: 90,
  serialTooOld: 2,
  serialTakeovers: 1,
  detours: 0.5,
  ambushes: 0.3,
  serialHolds: 1,
  serialUnknown: 0.1,
  historiesWithChange: 0.3,
  quorumWithChange: 0.3,
  crashes: 0.5,
  cuts: 0.5,
};

/** What is too rare for the number of seeds; empty if all is well. */
export function shortfalls(totals: Readonly<Totals>, leastPerSeed = LEAST_PER_SEED): string[] {
  const faults: string[] = [];
  for (const name of NAMES) {
    const least = leastPerSeed[name];
    if (least === undefined) continue;
    const average = totals[name] / totals.seeds;
    if (average < least) faults.push(`${name}: ${average.toFixed(3)} a seed, at least ${least}`);
  }
  return faults;
}

/** The sums as aligned lines; of what did not happen there is none. */
export function describeTotals(totals: Readonly<Totals>): string {
  const lines: string[] = [];
  for (const name of NAMES) {
    const value = totals[name];
    if (value === 0) continue;
    const perSeed = name === "seeds" || name === "aheadMost" ? "" : value / totals.seeds;
    const average = perSeed === "" ? "" : `  ${perSeed.toFixed(2)} a seed`;
    lines.push(`  ${name.padEnd(16)} ${value.toFixed(0).padStart(13)}${average}`);
  }
  lines.push(
    `  ${"virtual hours".padEnd(16)} ${(totals.virtualMs / 3_600_000).toFixed(1).padStart(13)}`,
  );
  return lines.join("\n");
}
