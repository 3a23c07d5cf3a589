/** Seeds of mixed worlds that once failed: run first, for ever. Beside each: what was wrong. */
export const RECORDED_SEEDS: readonly number[] = [
  1868000, // a process that was replaced retired a log where nobody else did: judged wrongly
  1776088, // what a node that stood still had ended of its own rows was to come back: judged wrongly
  1717089, // links that were about to break for an earlier cut were taken for whole: judged wrongly
  1541605, // a host refused for a node that stood still, and that knew more of a log: judged wrongly
  1521096, // who learnt from a session that it was closed lost its own rows before it was fenced
  1407073, // rows expired while a write at rest was judged, and outran the ring: judged wrongly
  1266463, // a host that had refused before an origin was closed was held for empty when it was retired
  1018726, // links that were about to break for an earlier fault were taken for whole: judged wrongly
  1078846, // one that had said goodbye was to have closed itself: judged wrongly
  1031209, // an ambush ended a node of a side that was taken for whole meanwhile: judged wrongly
  1028441, // a host that had refused once was held for empty while it was asked again
];

/** Seeds of the former small worlds that once failed. Beside each: what was wrong. */
export const RECORDED_FORMER_SEEDS: readonly number[] = [
  12911, // a table was removed while an owner's rows went, and what was under way was told after that
  14579, // as 12911, of an owner that came back
  650, // a node heard of a retired origin from a process that had been replaced: judged wrongly
  25224, // as 650, of an origin that the node had never heard of before
  61540, // who merged still said its old vector, and others retired what its end brought more of
];

/** Seeds of large worlds that once failed: run first, for ever. Beside each: what was wrong. */
export const RECORDED_LARGE_SEEDS: readonly number[] = [
  254, // an origin whose ops came by way of a node that died was known to nobody, and never closed
  864, // a replaced process wrote to a new node that had not heard that it was retired: judged wrongly
  3166, // a side that was whole in a split was taken for whole when several of its links broke later
  3426, // as 254, of an origin of which nothing had come but that a row of it was ended
];

/** The same of long runs, `--long`. */
export const RECORDED_LONG_SEEDS: readonly number[] = [
  10570, // an origin closed by the end of a session was still waited for
  20073, // nobody was left who knew whose incarnation an origin was, so it was never closed
  20131, // a node cut off for long closed all others and retired them at what it covered itself
  2997, // two newcomers that discovery had told nothing of the third retired what it knew more of
];

/** The same of runs of serial calls, `--serial`. */
export const RECORDED_SERIAL_SEEDS: readonly number[] = [
  10746, // a node that had just begun took a row for absent whose owner it had not heard of yet
  10863, // the same, before anything else had happened
  40170, // everybody ended before every seat had been taken once: judged wrongly
];
