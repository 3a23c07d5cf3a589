/** An answer to a pull by ops: pieces of several logs out of the op rings, then "caught". */

import type { Replica } from "./replica.ts";
import type { Coverage } from "./view.ts";

/** A piece of one origin's log that is still to be sent. */
interface Piece {
  readonly origin: number;
  next: number;
  readonly last: number;
}

/** What remains to be sent. */
export class OpsAnswer {
  readonly pullId: number;
  readonly pieces: Piece[] = [];

  constructor(pullId: number, replica: Replica, coverage: Coverage, puller: number) {
    this.pullId = pullId;
    const { origins } = replica;
    for (const origin of origins.listedIndexes()) {
      if (origin === puller || origin === origins.self) continue;
      const last = origins.vector[origin] as number;
      const next = coverage.seq(origin) + 1;
      if (next <= last) this.pieces.push({ origin, next, last });
    }
  }
}

/** Whether ops alone bring a puller of that coverage up to date. */
export function opsReach(replica: Replica, coverage: Coverage, puller: number): boolean {
  const { origins } = replica;
  for (const origin of origins.listedIndexes()) {
    if (origin === puller) continue;
    const seq = coverage.seq(origin);
    if (seq < (origins.vector[origin] as number) && !replica.ring(origin).reaches(seq))
      return false;
  }
  return true;
}
