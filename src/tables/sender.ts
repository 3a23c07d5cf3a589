/**
 * What goes out to each peer: our log as we write it, answers to pulls, acknowledgements. There
 * is no queue per peer, only a cursor into the op ring and a byte credit; who falls off the ring
 * is told to pull again. A frame that several peers need is encoded once.
 */
import type { Acks } from "./acks.ts";
import { encodeAck, encodeCaught, encodeFar, type PullFrame } from "./control-frames.ts";
import { DictionaryWriter } from "./frame-dictionary.ts";
import { OpsAnswer, opsReach } from "./ops-answer.ts";
import { encodeOps, type OpsFrame } from "./ops-frame.ts";
import type { Outbox } from "./outbox.ts";
import type { Peer } from "./peer.ts";
import type { Replica } from "./replica.ts";
import { Session, type SessionStep } from "./session.ts";
import type { Slice } from "./slice.ts";
import { Coverage } from "./view.ts";

/** The sending side of all links. */
export class Sender {
  readonly #replica: Replica;
  readonly #outbox: Outbox;
  readonly #acks: Acks;
  readonly #writer: DictionaryWriter;
  /** Pieces of our own log, by first seq, that other peers at the same cursor are sent as well. */
  readonly #pieces = new Map<number, OpsFrame>();
  /** Where our log ended when they were made. */
  #piecesHead = 0;

  constructor(replica: Replica, outbox: Outbox, acks: Acks) {
    this.#replica = replica;
    this.#outbox = outbox;
    this.#acks = acks;
    this.#writer = new DictionaryWriter(replica.origins.ids);
  }

  /** Answers a pull: by ops where the rings reach, else by state. */
  answer(peer: Peer, pull: PullFrame): void {
    this.#cancel(peer);
    const coverage = new Coverage(pull.view, this.#replica.origins);
    const { retired } = this.#replica.origins;
    const knowsRetired = retired.list().every((range) => includes(pull.view.retired, range));
    if (knowsRetired && opsReach(this.#replica, coverage, peer.index)) {
      this.#replica.counters.opsAnswers++;
      // What was sent on this link already is under way, in order: it need not be sent again.
      const sent = peer.streaming ? peer.cursor : 0;
      peer.streaming = false;
      peer.cursor = Math.max(sent, coverage.seq(this.#replica.origins.self));
      peer.answer = new OpsAnswer(pull.id, this.#replica, coverage, peer.index);
      return;
    }
    peer.streaming = false;
    if (pull.rows.kind === "unsaid") {
      this.#far(peer, pull.id);
      return;
    }
    this.#replica.counters.sessions++;
    const parts = { replica: this.#replica, peer, coverage, writer: this.#writer };
    peer.session = new Session(parts, { id: pull.id, rows: pull.rows });
  }

  /** Sends to each peer what is due and what its credit allows. */
  flush(peers: ReadonlyMap<number, Peer>): void {
    for (const peer of peers.values()) {
      if (peer.answer !== null) this.#pumpAnswer(peer, peer.answer);
      if (peer.streaming) this.#pumpLog(peer, this.#replica.nextSeq - 1);
      this.#acknowledge(peer);
    }
    if (this.#pieces.size > 0) this.#pieces.clear();
  }

  /** One slice of a session. */
  stepSession(peer: Peer, session: Session, slice: Slice): SessionStep {
    const step = session.step(slice, (frame, counted) => this.#send(peer, frame, counted));
    if (step === "ended") {
      peer.session = null;
      this.#startStreaming(peer, this.#replica.nextSeq - 1);
    }
    return step;
  }

  /** The link is gone. */
  forget(peer: Peer): void {
    this.#cancel(peer);
    peer.streaming = false;
  }

  #cancel(peer: Peer): void {
    peer.answer = null;
    if (peer.session === null) return;
    peer.session.close();
    peer.session = null;
    this.#replica.counters.sessionsAborted++;
  }

  #pumpAnswer(peer: Peer, answer: OpsAnswer): void {
    for (let piece = answer.pieces[0]; piece !== undefined; piece = answer.pieces[0]) {
      const ring = this.#replica.ring(piece.origin);
      if (!ring.reaches(piece.next - 1) || ring.lastSeq < piece.last) {
        // The ring went on, or was cleared by a merge, while the answer was being sent.
        peer.answer = null;
        this.#far(peer, answer.pullId);
        return;
      }
      const range = { firstSeq: piece.next, lastSeq: piece.last };
      const { frame, lastSeq } = encodeOps(this.#writer, ring, range, this.#replica.limits);
      if (!this.#sendData(peer, frame)) return;
      piece.next = lastSeq + 1;
      if (piece.next > piece.last) answer.pieces.shift();
    }
    // Our own log comes last, up to this moment, so that "caught" means caught up with us.
    const head = this.#replica.nextSeq - 1;
    if (!this.#pumpLog(peer, head)) return;
    if (peer.answer !== answer) return;
    peer.answer = null;
    this.#send(peer, encodeCaught(answer.pullId), false);
    this.#startStreaming(peer, head);
  }

  /** Sends our log after the peer's cursor. False if credit or the ring ends first. */
  #pumpLog(peer: Peer, head: number): boolean {
    const ring = this.#replica.ring(this.#replica.origins.self);
    while (peer.cursor < head) {
      if (!ring.reaches(peer.cursor)) {
        const pullId = peer.answer?.pullId ?? 0;
        peer.answer = null;
        peer.streaming = false;
        this.#far(peer, pullId);
        return false;
      }
      const { frame, lastSeq } = this.#piece(peer.cursor + 1, head);
      if (!this.#sendData(peer, frame)) return false;
      peer.cursor = lastSeq;
    }
    return true;
  }

  #piece(firstSeq: number, head: number): OpsFrame {
    if (this.#piecesHead !== head) {
      this.#pieces.clear();
      this.#piecesHead = head;
    }
    const made = this.#pieces.get(firstSeq);
    if (made !== undefined) return made;
    const ring = this.#replica.ring(this.#replica.origins.self);
    const range = { firstSeq, lastSeq: head };
    const piece = encodeOps(this.#writer, ring, range, this.#replica.limits);
    this.#pieces.set(firstSeq, piece);
    return piece;
  }

  #startStreaming(peer: Peer, head: number): void {
    peer.streaming = true;
    peer.cursor = head;
    peer.countFrom = head;
    // Its acknowledgement may have come before the stream began; it is not repeated.
    this.applied(peer, this.#acks.acked(peer.id));
  }

  /**
   * The peer has applied our log up to `seq`. Writes wait for it from the moment that it has all
   * that it was sent to catch up: not while it still merges a session, which may take seconds.
   */
  applied(peer: Peer, seq: number): void {
    this.#acks.advance(peer.id, seq);
    if (!peer.streaming || seq < peer.countFrom) return;
    // Once for each stream: who lags later is counted again by lag.ts alone.
    peer.countFrom = Number.POSITIVE_INFINITY;
    this.#acks.count(peer.id, seq);
  }

  #acknowledge(peer: Peer): void {
    const seq = this.#replica.origins.vector[peer.index] as number;
    if (seq === peer.toldSeq && peer.takenBytes === peer.toldBytes) return;
    peer.toldSeq = seq;
    peer.toldBytes = peer.takenBytes;
    // A retired origin may still be linked for a moment; it needs no acknowledgement.
    if (!this.#replica.origins.gone[peer.index]) {
      this.#send(peer, encodeAck({ seq, bytes: peer.takenBytes }), false);
    }
  }

  #far(peer: Peer, pullId: number): void {
    this.#replica.counters.far++;
    this.#send(peer, encodeFar(pullId), false);
  }

  #sendData(peer: Peer, frame: Uint8Array): boolean {
    if (!peer.hasCredit(frame.length, this.#replica.limits.creditWindowBytes)) return false;
    this.#send(peer, frame, true);
    return true;
  }

  #send(peer: Peer, frame: Uint8Array, counted: boolean): void {
    if (counted) peer.sentBytes += frame.length;
    this.#outbox.send(peer.id, frame);
  }
}

function includes(
  ranges: readonly (readonly [number, number])[],
  range: readonly [number, number],
): boolean {
  return ranges.some(([from, to]) => from <= range[0] && range[1] <= to);
}
