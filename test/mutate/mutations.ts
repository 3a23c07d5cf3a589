/**
 * Faults that are planted on purpose, one at a time, each breaking one rule of the protocol. The
 * simulator must notice every one of them by a named checker. `find` must match exactly once.
 */

/** One replacement of text. */
export interface Edit {
  /** Path from the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** One fault. */
export interface Mutation {
  readonly name: string;
  /** What it breaks. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** The seed that noticed it last: tried first. */
  readonly seed: number;
  /** Of runs of serial calls, with tables that pause, or of worlds as they formerly were. */
  readonly kind?: "serial" | "split" | "former";
}

const one = (
  name: string,
  rule: string,
  seed: number,
  edit: readonly [file: string, find: string, replace: string],
): Mutation => {
  const [file, find, replace] = edit;
  return { name, rule, seed, edits: [{ file, find, replace }] };
};

const STATE: readonly Mutation[] = [
  one("stream-during-session", "a log flows only after the end of a session", 1, [
    "src/tables/sender.ts",
    "peer.session = new Session(parts, { id: pull.id, rows: pull.rows });",
    "peer.session = new Session(parts, { id: pull.id, rows: pull.rows });\n    this.#startStreaming(peer, this.#replica.nextSeq - 1);",
  ]),
  one("vector-jumps-first", "the vector jumps with the last slice of a merge", 1, [
    "src/tables/merge.ts",
    "*#run(): Generator<number> {",
    `*#run(): Generator<number> {
    for (const [id, seq] of this.#end.view.vector) {
      const index = this.#replica.origins.intern(id);
      if (seq > (this.#replica.origins.vector[index] as number)) {
        this.#replica.origins.vector[index] = seq;
        this.#replica.dropRing(index);
      }
    }`,
  ]),
  {
    name: "end-carries-start-view",
    rule: "the end carries the server's view of that very moment",
    seed: 1,
    edits: [
      {
        file: "src/tables/session.ts",
        find: "this.#replica.touchSets.add(this.dirty);",
        replace:
          "this.#replica.touchSets.add(this.dirty);\n    this.startView = viewOf(parts.replica.origins);",
      },
      {
        file: "src/tables/session.ts",
        find: "view: viewOf(this.#replica.origins),",
        replace: "view: this.startView,",
      },
    ],
  },
  one("chunks-unstaged", "nothing of a session is applied before its end", 1, [
    "src/tables/receiver.ts",
    "return this.#matches(peer, pullId) ? this.#puller.open : null;",
    `const open = this.#matches(peer, pullId) ? this.#puller.open : null;
      if (open === null) return null;
      return {
        take: (table, first) => {
          open.take(table, first);
          for (let row: typeof first | null = first; row !== null; row = row.next) {
            if (row.value !== "") this.#replica.put(table, row.key, row);
          }
        },
      };`,
  ]),
  one("ahead-dropped", "a kill ahead of its set is remembered", 27, [
    "src/tables/replica.ts",
    "if (!this.origins.covered(origin, seq)) this.ahead.add({ table, key, origin, seq });",
    "",
  ]),
  one("ahead-not-in-end", "the end carries the awaited births", 42, [
    "src/tables/session.ts",
    "ahead: [...this.#replica.ahead.list()],",
    "ahead: [],",
  ]),
  one("digest-ignored", "buckets whose sums differ are compared key by key", 3, [
    "src/tables/session.ts",
    "differs[bucket] = same ? 0 : 1;",
    "differs[bucket] = 0;",
  ]),
  one("listed-dropped", "a birth that the server lists is held", 4, [
    "src/tables/merge.ts",
    "return !this.#pull.listed.has(row.birthOrigin, row.birthSeq);",
    "return true;",
  ]),
  one("list-of-first-sibling", "every birth in a differing bucket is listed", 4, [
    "src/tables/session.ts",
    "if (!table.isGone(row) && this.#isInDiffering(row)) held.add(row.birthOrigin, row.birthSeq);",
    "if (row === head && !table.isGone(row) && this.#isInDiffering(row)) held.add(row.birthOrigin, row.birthSeq);",
  ]),
  one("held-counts-as-staged", "what was held before and not sent may be dead", 137, [
    "src/tables/staged-table.ts",
    ": this.#table.rows.has(key) && !this.#held.has(key);",
    ": this.#table.rows.has(key);",
  ]),
  one("staged-twice-counted-twice", "of a key that comes again the later rows count", 15, [
    "src/tables/staged-table.ts",
    "} else this.#count(before, -1);",
    "}",
  ]),
  one("list-not-ended", "the births listed last go out before the end", 4, [
    "src/tables/session.ts",
    "if (this.#held?.isDue(this.#scanned) !== true) return;",
    "if (this.#held?.isDue(false) !== true) return;",
  ]),
  one("unlisted-kept", "what a differing bucket does not list is dead", 3, [
    "src/tables/merge.ts",
    "if (this.#end.differs.includes(1)) yield* this.#dropUnlisted();",
    "",
  ]),
  {
    name: "digest-of-first-sibling",
    rule: "a digest sums every birth",
    seed: 6,
    edits: [
      {
        file: "src/tables/session.ts",
        find: "const ours = this.#replica.digest.fold(buckets);",
        replace: `const digest = new this.#replica.digest.constructor();
    for (const table of this.#replica.tables.values()) {
      for (const head of table.rows.values()) {
        digest.toggle(this.#replica.origins.ids[head.birthOrigin], head.birthSeq);
      }
    }
    const ours = digest.fold(buckets);`,
      },
      {
        file: "src/tables/pull.ts",
        find: 'return { kind: "digest", words: this.#replica.digest.fold(buckets) };',
        replace: `const digest = new this.#replica.digest.constructor();
    for (const table of this.#replica.tables.values()) {
      for (const head of table.rows.values()) {
        digest.toggle(this.#replica.origins.ids[head.birthOrigin], head.birthSeq);
      }
    }
    return { kind: "digest", words: digest.fold(buckets) };`,
      },
    ],
  },
  one("dirty-not-marked", "keys that change during a session are sent again", 1, [
    "src/tables/session.ts",
    "this.#replica.touchSets.add(this.dirty);",
    "",
  ]),
  one("own-changes-ignored", "a puller notes what changes while a pull is open", 1914, [
    "src/tables/pull.ts",
    "this.#replica.touchSets.add(open.changed);",
    "",
  ]),
  one("filter-by-birth-only", "a key is sent if a dot or a birth is not covered", 4, [
    "src/tables/session.ts",
    "this.#coverage.covers(row.birthOrigin, row.birthSeq) &&\n      this.#coverage.covers(row.dotOrigin, row.dotSeq)",
    "this.#coverage.covers(row.birthOrigin, row.birthSeq)",
  ]),
  one("relay-skips-one", "a resumed log begins right after the puller's vector", 6, [
    "src/tables/ops-answer.ts",
    "const next = coverage.seq(origin) + 1;",
    "const next = coverage.seq(origin) + 2;",
  ]),
  one("merge-takes-ops", "no remote op is applied while a merge is under way", 5, [
    "src/tables/receiver.ts",
    "if (this.merge !== null || peer.waitingFrames > 0 || !this.#hasTime()) {",
    "if (peer.waitingFrames > 0 || !this.#hasTime()) {",
  ]),
  {
    name: "merge-serves-sessions",
    rule: "no session is served while a merge is under way",
    seed: 13,
    edits: [
      {
        file: "src/tables/receiver.ts",
        find: "if (this.merge !== null) peer.waitingPull = pull;\n    else this.#parts.sender",
        replace: "this.#parts.sender",
      },
      {
        file: "src/tables/jobs.ts",
        find: "if (this.#receiver.merge !== null) return true;",
        replace: "",
      },
    ],
  },
  one("order-by-local-index", "ties are decided by cluster-wide ids", 1, [
    "src/tables/row.ts",
    "return (ids[a.dotOrigin] as number) - (ids[b.dotOrigin] as number);",
    "return a.dotOrigin - b.dotOrigin;",
  ]),
  one("covered-put-accepted", "a covered birth that is not held was killed", 5, [
    "src/tables/replica.ts",
    "if (this.origins.covered(birthOrigin, birthSeq)) return;",
    "",
  ]),
  one("pull-not-on-evidence", "whoever sees that another covers more pulls", 6, [
    "src/tables/receiver.ts",
    "if (this.#parts.peers.get(id)?.streamsToUs !== true) peer.wantsPull = true;",
    "",
  ]),
];

const WRITES: readonly Mutation[] = [
  one("patch-creates", "a patch never creates", 1, [
    "src/tables/local-writer.ts",
    "if (row === undefined) return 0;",
    "if (row === undefined) return this.set(table, key, value);",
  ]),
  one("patch-keeps-siblings", "a patch ends the siblings of the visible birth", 4, [
    "src/tables/local-writer.ts",
    '{ kind: "patch", key, value, row, kills }',
    '{ kind: "patch", key, value, row, kills: NO_KILLS }',
  ]),
  one("hidden-survive-a-kill", "a kill ends hidden births, too", 26, [
    "src/tables/local-writer.ts",
    "if (!table.isGone(row)) dots.push({ origin: row.birthOrigin, seq: row.birthSeq });\n  }\n  return dots;\n}\n\n/** Births held under a key whose",
    "if (!table.isHidden(row)) dots.push({ origin: row.birthOrigin, seq: row.birthSeq });\n  }\n  return dots;\n}\n\n/** Births held under a key whose",
  ]),
  one("stamps-not-seen", "a received stamp advances the local clock", 4, [
    "src/tables/replica.ts",
    "this.clock.see(op.hi, op.lo);",
    "",
  ]),
  one("many-is-many", "a Many is one batch", 1, [
    "src/tables/local-writer.ts",
    "seq = this.#write(table, this.#setDraft(table, key, value), at === entries.length - 1);",
    "seq = this.#write(table, this.#setDraft(table, key, value), true);",
  ]),
  one("frame-splits-a-batch", "a frame carries whole batches", 3, [
    "src/tables/ops-frame.ts",
    "if (op.batchEnd) whole = seq;",
    "whole = seq;",
  ]),
];

const ACKS: readonly Mutation[] = [
  one("ack-when-sent", "an ack is sent after applying", 2, [
    "src/tables/sender.ts",
    "peer.cursor = lastSeq;\n    }",
    "peer.cursor = lastSeq;\n      this.#acks.advance(peer.id, lastSeq);\n    }",
  ]),
  one("link-loss-excuses", "losing the link alone excuses nobody", 4, [
    "src/tables/acks.ts",
    "if (!member.counted && !member.alive) this.#members.delete(id);\n    this.#changed();",
    "this.#members.delete(id);\n    this.#changed();",
  ]),
  one("acks-not-relayed", "an acknowledgement comes by way of others if the link is broken", 11, [
    "src/tables/tables.ts",
    "applied.set(id, seq);",
    "",
  ]),
  one("ack-by-ping-too-far", "a ping tells what others have applied, not more", 13, [
    "src/tables/tables.ts",
    "applied.set(id, seq);",
    "applied.set(id, seq + 1);",
  ]),
  one("laggards-waited-for", "a member that lags is not waited for", 27, [
    "src/tables/lag.ts",
    "if (acks.reached(id) >= due) continue;",
    "continue;",
  ]),
  one("merged-value-kept", "nothing is kept of siblings that are gone", 4, [
    "src/tables/table-state.ts",
    "this.merged?.forget(row.key);",
    "",
  ]),
  one("shadow-kept", "nothing is kept of a shaded row that is gone", 4, [
    "src/tables/lost-births.ts",
    "if (this.#shadowed.delete(row.birthSeq) || !byOther) return;",
    "if (this.#shadowed.has(row.birthSeq) || !byOther) return;",
  ]),
  one("merge-outdated", "a merged value is of the siblings that are held", 2, [
    "src/tables/merged-values.ts",
    "if (kept !== undefined && isMadeOf(kept, rows)) return kept.value;",
    "if (kept !== undefined) return kept.value;",
  ]),
  one("merge-not-told", "watchers are told the merged value", 1, [
    "src/tables/change-feed.ts",
    "return [shown(first, merged?.encoded ?? first.value, true)];",
    "return [shown(first, first.value, true)];",
  ]),
  one("withdraw-all", "withdraw ends births of this node only", 5, [
    "src/tables/local-writer.ts",
    "const kills = held(table, key).filter((dot) => dot.origin === self);",
    "const kills = held(table, key).filter((dot) => dot.origin > -1 || dot.origin === self);",
  ]),
  one("late-not-named", "results name live members that are not waited for", 6, [
    "src/tables/acks.ts",
    "const late = members.filter((member) => !member.counted);",
    "const late = members.filter((member) => !member.counted && member.linked);",
  ]),
  one("late-for-good", "a member that lags counts again when it does not", 24, [
    "src/tables/lag.ts",
    "if (acked > 0 && acked >= before) acks.count(id, acked);",
    "",
  ]),
  one("streaming-not-counted", "a member that streams is waited for", 1, [
    "src/tables/sender.ts",
    "this.#acks.count(peer.id, seq);",
    "",
  ]),
  one("credit-ignored", "a slow peer costs bounded memory", 1, [
    "src/tables/peer.ts",
    "return underWay === 0 || underWay + bytes <= windowBytes;",
    "return underWay >= 0 || underWay + bytes <= windowBytes;",
  ]),
  one("credit-not-returned", "data that was taken gives its credit back", 7, [
    "src/tables/receiver.ts",
    "of.peer.takenBytes += of.frame.length;",
    "",
  ]),
];

const CLOSING: readonly Mutation[] = [
  {
    name: "closed-owners-rows-put",
    rule: "no row of a closed owner is taken in",
    seed: 42,
    edits: [
      {
        file: "src/tables/replica.ts",
        find: 'if (table.lifetime === "node" && this.origins.gone[birthOrigin]) return;',
        replace: "",
      },
      {
        file: "src/tables/replica.ts",
        find: 'if (table.lifetime === "node" && this.origins.gone[origin]) return false;',
        replace: "",
      },
    ],
  },
  one("end-without-closed", "the end carries the closed origins", 142, [
    "src/tables/merge.ts",
    "for (const id of this.#end.view.closed) this.#close(id);",
    "",
  ]),
  one("retire-without-agreement", "closed origins retire when all members agree", 6, [
    "src/tables/retirement.ts",
    "if (report === undefined || report === null || !agrees(report.view, ours)) return;",
    "if (report === undefined || report === null) return;",
  ]),
  {
    name: "retire-on-stale-reports",
    rule: "reports of another membership do not count",
    seed: 15,
    edits: [
      {
        file: "src/tables/retirement.ts",
        find: "if (theirs.closed.length !== ours.closed.length) return false;\n  if (theirs.vector.size !== ours.vector.size) return false;\n  if (!sameRanges(theirs.retired, ours.retired)) return false;\n  for (const id of ours.vector.keys()) if (!theirs.vector.has(id)) return false;",
        replace: "",
      },
      {
        file: "src/tables/retirement.ts",
        find: "if (!theirClosed.has(id) || theirs.vector.get(id)",
        replace: "if (theirs.vector.get(id)",
      },
    ],
  },
  one("retired-is-covered", "all of a retired origin counts as covered", 12, [
    "src/tables/origins.ts",
    "this.vector[index] = COVERS_ALL;\n    this.listed[index] = false;",
    "this.listed[index] = false;",
  ]),
  one("adopts-other-coverage", "a retirement is adopted where as much is covered", 7, [
    "src/tables/retirement.ts",
    "index === origins.self || origins.vector[index] !== seq",
    "index === origins.self",
  ]),
  one("goodbye-unheard", "a goodbye closes its sender", 7, [
    "src/cluster/cluster.ts",
    'case "goodbye":',
    'case "goodbye":\n        return connection.drop("goodbye");',
  ]),
  one("down-not-hidden", "the rows of a dead node are hidden", 3, [
    "src/tables/tables.ts",
    "if (!origins.setHidden(origins.intern(id), true)) return;",
    "if (!origins.gone[origins.intern(id)]) return;",
  ]),
  one("back-stays-hidden", "a node that comes back is shown again", 1, [
    "src/tables/tables.ts",
    "if (!origins.setHidden(index, false)) return;",
    "if (!origins.gone[index]) return;",
  ]),
  one("purge-forgotten", "the rows of closed owners give their memory back", 3, [
    "src/tables/jobs.ts",
    "this.#replica.purgeDue = false;",
    "this.#replica.purgeDue = false;\n      return false;",
  ]),
];

const SELF_CHECK: readonly Mutation[] = [
  one("digest-unsaid", "a replica that diverged is noticed", 1, [
    "src/tables/comparison/comparisons.ts",
    "return this.#parts.isBusy() ? null : encodeDigest(this.#digestNow());",
    "return null;",
  ]),
  one("digest-at-any-view", "a digest says something at the same view only", 1, [
    "src/tables/comparison/comparisons.ts",
    "if (!viewEquals(peer.report.view, viewOf(replica.origins))) return;",
    "",
  ]),
  one("digest-while-purging", "rows that do not exist any more are in no digest", 44, [
    "src/tables/tables.ts",
    "isBusy: () => this.merging || this.#jobs.purging,",
    "isBusy: () => this.merging,",
  ]),
  one("lost-rows-stay-lost", "a row that its owner holds is put back", 1, [
    "src/tables/comparison/truth.ts",
    'return isTheirs ? { kind: "take", written: theirs } : KEEP;',
    "return KEEP;",
  ]),
  one("everybody-is-right", "the owner of a row is right about it", 1, [
    "src/tables/comparison/truth.ts",
    'return yours < mine ? { kind: "drop" } : KEEP;',
    'return mine === 0 ? { kind: "drop" } : KEEP;',
  ]),
];

const LINKS: readonly Mutation[] = [
  one("vacant-since-before", "who was absent before the closing may listen by now", 1266463, [
    "src/cluster/dialer.ts",
    "entry.isVacant = false;\n      if (!entry.isDialling)",
    "if (!entry.isDialling)",
  ]),
  one("kept-frame-not-copied", "bytes of a frame are valid during the call only", 11, [
    "src/tables/receiver.ts",
    "frame: new Uint8Array(frame), ops: null }",
    "frame, ops: null }",
  ]),
  one("long-batch-in-pieces", "a batch is applied whole or not at all", 2, [
    "src/tables/receiver.ts",
    "if (!of.ops.isRead || of.ops.count > frameOps) return false;",
    "if (of.ops.isRead && of.ops.count > frameOps) return false;",
  ]),
  one("down-without-a-refusal", "losing the link alone excuses nobody", 1, [
    "src/cluster/failure-detector.ts",
    "watched.isCutOff = true;",
    "watched.isCutOff = true;\n    if (watched.counted) this.#vacant.add(origin);",
  ]),
  one("down-though-vouched", "a refusal is no sign of death while a member has a link", 5, [
    "src/cluster/roster.ts",
    "this.#detector.judgeVacant((of) => this.#mayBeLinked(of))",
    "this.#detector.judgeVacant(() => false)",
  ]),
  {
    name: "judge-right-after-a-stall",
    rule: "after a stall sockets are read before anyone is judged",
    seed: 101,
    edits: [
      {
        file: "src/cluster/failure-detector.ts",
        find: "return skip ? [] : this.#judge(isVouched);",
        replace: "return this.#judge(isVouched);",
      },
      {
        file: "src/cluster/failure-detector.ts",
        find: "this.#judgedTime += Math.min(elapsed, this.#tickMsMax);",
        replace: "this.#judgedTime += elapsed;",
      },
    ],
  },
];

const FACE: readonly Mutation[] = [
  one("loss-told-twice", "a row that was shaded and is ended later was told already", 4, [
    "src/tables/lost-births.ts",
    "if (this.#shadowed.delete(row.birthSeq) || !byOther) return;",
    "if (!byOther) return;",
  ]),
  one("loss-untold", "a row of this node that another ends is told to its listener", 3, [
    "src/tables/replica.ts",
    "table.lost.ended(row, !this.#isOwn);",
    "if (this.#isOwn) table.lost.ended(row, false);",
  ]),
  one("scan-without-place", "keys that a scan has passed are seen as they were told", 5, [
    "src/tables/change-feed.ts",
    "return this.#table.rows.shardOf(key) < this.#position ? this.#next : this.#told;",
    "return this.#table.rows.shardOf(key) < 0 ? [] : this.#told;",
  ]),
  one("scan-forgotten", "after a scan all is seen with the new opinion of who is hidden", 1, [
    "src/tables/change-feed.ts",
    "this.#told = next;",
    "if (next.length === 0) this.#told = next;",
  ]),
  one("expiry-early", "a row lives for all of its time", 6, [
    "src/tables/local-writer.ts",
    "table.expiry.made(op.key, seq, this.#now());",
    "table.expiry.made(op.key, seq, this.#now() - 100);",
  ]),
  one("expiry-of-the-renewed", "a row that was renewed lives on", 6, [
    "src/tables/local-writer.ts",
    "      if (table.find(key, origin, seq) === null) continue;\n      const kills = [{ origin, seq }];",
    "      if (table.rows.get(key) === undefined) continue;\n      const kills = [...held(table, key)];",
  ]),
];

/**
 * That who has promised a newer term confirms nothing of an older one is not among them: since a
 * majority pledges each key before it is written, a late yes does no harm, for nobody else was
 * given the key. That rule only spares a caller a wrong "not known".
 */
const SERIAL: readonly Mutation[] = [
  one("no-takeover", "a leader serves only when all members follow it", 21, [
    "src/tables/serial/leader.ts",
    "    if (!this.#isFollowed()) return false;\n",
    "",
  ]),
  one("grant-view-ignored", "a requester decides only when it holds what the leader held", 2, [
    "src/tables/serial/requests.ts",
    "const isKnown = coversView(this.#origins, batch.view) && this.#seesAll(batch.alive);",
    "const isKnown = this.#seesAll(batch.alive);",
  ]),
  {
    name: "grant-survives",
    rule: "a grant dies with its link and its term",
    seed: 21,
    edits: [
      {
        file: "src/tables/serial/serial.ts",
        find: "    if (answer.isNew) this.#requests.abandon();\n",
        replace: "",
      },
      {
        file: "src/tables/serial/serial.ts",
        find: "    if (this.#allegiance.lost(id)) this.#requests.abandon();\n",
        replace: "    this.#allegiance.lost(id);\n",
      },
    ],
  },
  one("freed-early", "a dead node's keys are free when all hold as much of its log", 91, [
    "src/tables/serial/leader.ts",
    "    this.#followers.delete(id);\n    this.reservations.orphan(id);\n",
    "    this.#followers.delete(id);\n    this.reservations.orphan(id);\n    this.reservations.free(id);\n",
  ]),
  one("release-ahead-of-ops", "a key given back is free when its op is here", 23, [
    "src/tables/serial/serial.ts",
    "return seq === 0 || (index >= 0 && origins.covered(index, seq));",
    "return seq === 0 || index >= 0;",
  ]),
  one("minority-answers", "in quorum mode a majority decides", 20, [
    "src/tables/serial/voters.ts",
    ": Math.floor(this.#clusterSize / 2) + 1;",
    ": 1;",
  ]),
  one("votes-without-memory", "a node that has just started does not vote", 20, [
    "src/tables/serial/voters.ts",
    "    if (voters < this.majority && all < this.#clusterSize - 1) return null;\n",
    "",
  ]),
  one("done-before-everywhere", "a call is done when all living members have its op", 6, [
    "src/tables/serial/outcomes.ts",
    'if (pending.stage === "written" && pending.seq > everywhere) break;',
    "if (everywhere < 0) break;",
  ]),
  one("writes-unchecked", "in quorum mode a majority is asked before anything is written", 15, [
    "src/tables/serial/calls.ts",
    "if (pending.call.quorum && !pending.checked) this.outcomes.check(pending);",
    'if (pending.stage === "over") continue;',
  ]),
  one("pledges-forgotten", "a key that a majority has pledged stays reserved", 13, [
    "src/tables/serial/leader.ts",
    "if (!isHeard && !this.#origins.retired.has(origin)) this.reservations.keep(pledge);",
    "if (!isHeard && origin === 0) this.reservations.keep(pledge);",
  ]),
].map((mutation) => ({ ...mutation, kind: "serial" }));

const SPLIT: readonly Mutation[] = [
  one("minority-writes", "a side without a majority refuses to be written", 1, [
    "src/node/splits.ts",
    "if (live >= needed) return null;",
    "if (live >= needed - 1) return null;",
  ]),
  one("done-in-a-minority", "a write that pauses is done once a majority has it", 3, [
    "src/tables/split.ts",
    'return table.split === "pauseMinority" ? this.#leastOthers : 0;',
    'return table.split === "merge" ? this.#leastOthers : 0;',
  ]),
  one("paused-writes-wait", "a write that waits fails when its table is paused", 1, [
    "src/tables/acks.ts",
    "const error = errorOf(queue.terms.table);",
    "const error = errorOf(queue.terms.table) === null ? null : null;",
  ]),
  one("half-is-a-majority", "half of a cluster is no majority", 2, [
    "src/node/splits.ts",
    "Math.floor(Math.max(clusterSize, known) / 2) + 1",
    "Math.ceil(Math.max(clusterSize, known) / 2)",
  ]),
  one("lease-from-the-answer", "a lease counts from before it was asked for", 24, [
    "src/discovery/lease-keeper.ts",
    "untilMs: askedAt + store.leaseMs * (1 - SAFETY)",
    "untilMs: clock.now() + store.leaseMs * (1 - SAFETY)",
  ]),
  one("news-from-the-answer", "news of a lease counts from when it was asked for", 6, [
    "src/node/lease-side.ts",
    "untilMs: askedAt + leftMs",
    "untilMs: this.#parts.clock.now() + leftMs",
  ]),
  one("lease-of-the-unseen", "who does not see the holder is not on its side", 16, [
    "src/node/lease-side.ts",
    "return this.#parts.isLive(heard.holder) ? heard : null;",
    "return heard;",
  ]),
  one("lease-passed-on-whole", "who passes the news on says what is left by then", 6, [
    "src/node/lease-side.ts",
    "const leftMs = Math.floor(untilMs - this.#parts.clock.now());",
    "const leftMs = untilMs > this.#parts.clock.now() ? this.#parts.store.leaseMs : 0;",
  ]),
  one("away-means-mine", "without a database nobody writes once the lease is over", 7, [
    "src/node/splits.ts",
    "if (lease === undefined || lease.lease !== null) return null;",
    "if (lease === undefined || lease.lease !== null || lease.keeper.error !== null) return null;",
  ]),
].map((mutation) => ({ ...mutation, kind: "split" }));

const FORMER: readonly Mutation[] = [
  one("retired-under-a-merge", "a merge under way may bring more of a closed origin", 4150, [
    "src/tables/tables.ts",
    "const view = this.merging ? { ...own, closed: [] } : own;",
    "const view = own;",
  ]),
].map((mutation) => ({ ...mutation, kind: "former" }));

/** All of them. */
export const MUTATIONS: readonly Mutation[] = [
  ...STATE,
  ...WRITES,
  ...ACKS,
  ...CLOSING,
  ...LINKS,
  ...FACE,
  ...SELF_CHECK,
  ...SERIAL,
  ...SPLIT,
  ...FORMER,
];

/** Faults that the first few seeds notice: the gate plants these each time, in a minute. */
export const QUICK: ReadonlySet<string> = new Set([
  "vector-jumps-first",
  "stream-during-session",
  "end-carries-start-view",
  "chunks-unstaged",
  "ahead-dropped",
  "digest-ignored",
  "unlisted-kept",
  "digest-of-first-sibling",
  "dirty-not-marked",
  "filter-by-birth-only",
  "relay-skips-one",
  "merge-takes-ops",
  "order-by-local-index",
  "covered-put-accepted",
  "patch-creates",
  "credit-ignored",
]);
