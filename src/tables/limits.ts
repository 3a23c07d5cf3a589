/** Every bound of the replication core, with its default. */

/** All sizes in bytes unless the name says otherwise. */
export interface TablesLimits {
  /** Newest ops kept per origin, by count. Default 16,384. */
  readonly opRingOps: number;
  /** Newest ops kept per origin, by bytes. Default 8 MiB. */
  readonly opRingBytes: number;
  /** Data that one peer may be sent before it has taken any of it. Default 4 MiB. */
  readonly creditWindowBytes: number;
  /** Ops in one frame, unless a batch is larger: that is read in such pieces. Default 128. */
  readonly frameOps: number;
  /** Bytes of ops in one frame, unless a batch is larger. Default 256 KiB. */
  readonly frameBytes: number;
  /** Keys in one chunk of a state session. Default 128. */
  readonly chunkKeys: number;
  /** Bytes of one chunk. Default 256 KiB. */
  readonly chunkBytes: number;
  /** Rows looked at in one slice of a scan, a merge or a purge, at most. Default 2,000. */
  readonly sliceRows: number;
  /** What the slices of one turn take together, and what frames may take before. Default 2 ms. */
  readonly sliceMs: number;
  /** Rows of one batch. Default 10,000. */
  readonly batchRows: number;
  /** Bytes of one batch. Default 8 MiB. */
  readonly batchBytes: number;
  /** Writes that may wait for acknowledgement at once. Default 1,000,000. */
  readonly pendingWrites: number;
  /** A member that is further behind than this is no longer waited for. Default 4,000 ms. */
  readonly lagMs: number;
  /** A pull without progress for this long is given up. Default 10,000 ms. */
  readonly pullStallMs: number;
  /**
   * Rows of lifetime `cluster` that are overdue and whose owner is gone stay so much longer, for
   * each live member of a lower origin once more. Default 5,000 ms.
   */
  readonly expiryGraceMs: number;
  /** Ranges of retired ids before the oldest are joined. Default 64. */
  readonly retiredRanges: number;
  /** Keys that one comparison looks at; the rest is left to the next. Default 10,000. */
  readonly compareKeys: number;
  /**
   * Encoded bytes of values that are kept decoded after they were read, with 64 for each; decoded
   * they take about one and a half times that. Default 256 MiB.
   */
  readonly decodedBytes: number;
  /** Tables known, declared or not. Default 10,000. */
  readonly tables: number;
  /** Serial calls that may be under way on this node. Default 20,000. */
  readonly serialCalls: number;
  /** Keys that this node, as the leader, reserves at most. Default 100,000. */
  readonly serialKeys: number;
}

/** The defaults. */
export const defaultLimits: TablesLimits = {
  opRingOps: 16_384,
  opRingBytes: 8 * 1024 * 1024,
  creditWindowBytes: 4 * 1024 * 1024,
  frameOps: 128,
  frameBytes: 256 * 1024,
  chunkKeys: 128,
  chunkBytes: 256 * 1024,
  sliceRows: 2000,
  sliceMs: 2,
  batchRows: 10_000,
  batchBytes: 8 * 1024 * 1024,
  pendingWrites: 1_000_000,
  lagMs: 4000,
  pullStallMs: 10_000,
  expiryGraceMs: 5000,
  retiredRanges: 64,
  compareKeys: 10_000,
  decodedBytes: 256 * 1024 * 1024,
  tables: 10_000,
  serialCalls: 20_000,
  serialKeys: 100_000,
};
