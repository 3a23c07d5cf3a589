/** What a replica has done since it started: plain numbers for status, tests and the simulator. */

/** All of them start at zero and only rise. */
export interface Counters {
  /** Ops applied that this node wrote. */
  written: number;
  /** Ops applied that came from peers. */
  applied: number;
  /** Of those, ops of another origin than the peer that sent them. */
  relayed: number;
  /** Ops dropped because they were covered already. */
  duplicates: number;
  /** Ops that were not the next of their origin: always a bug. */
  gaps: number;
  /** Pulls sent. */
  pulls: number;
  /** Pulls answered by ops. */
  opsAnswers: number;
  /** State sessions served, and those of them that broke off. */
  sessions: number;
  sessionsAborted: number;
  /** Chunks of rows sent, and lists of births. */
  chunks: number;
  lists: number;
  /** State sessions merged, and the slices that took. */
  merges: number;
  mergeSlices: number;
  /** Tables that took the rows of a session over in one step. */
  tablesTaken: number;
  /** Pulls given up before they were answered in full. */
  pullsAborted: number;
  /** Origins closed, retired, hidden and shown again. */
  closings: number;
  retirements: number;
  /** Batches of retired origins taken over from a peer without a state session. */
  retirementsAdopted: number;
  hides: number;
  shows: number;
  /** Rows of closed origins removed. */
  purgedRows: number;
  /** Digests of peers held against ours, at the same view. */
  digestsCompared: number;
  /** Peers found to hold other rows at the same view: always a bug, or memory that is damaged. */
  divergences: number;
  /** Comparisons with a peer begun, and rows that they mended here. */
  comparisons: number;
  /** Orders, indexes, counts and sums that did not fit the rows, as `verify` found them. */
  ownFaults: number;
  mendedRows: number;
  /** Answers "you fell off the ring". */
  far: number;
  /** Members that were no longer waited for because they lagged. */
  lagging: number;
  /** Acknowledgements learnt through a third node. */
  acksRelayed: number;
  /** Writes whose acknowledgement timed out. */
  ackTimeouts: number;
}

/** All zero. */
export function newCounters(): Counters {
  return {
    written: 0,
    applied: 0,
    relayed: 0,
    duplicates: 0,
    gaps: 0,
    pulls: 0,
    opsAnswers: 0,
    sessions: 0,
    sessionsAborted: 0,
    chunks: 0,
    lists: 0,
    merges: 0,
    mergeSlices: 0,
    tablesTaken: 0,
    pullsAborted: 0,
    closings: 0,
    retirements: 0,
    retirementsAdopted: 0,
    hides: 0,
    shows: 0,
    purgedRows: 0,
    digestsCompared: 0,
    divergences: 0,
    comparisons: 0,
    ownFaults: 0,
    mendedRows: 0,
    far: 0,
    lagging: 0,
    acksRelayed: 0,
    ackTimeouts: 0,
  };
}
