/**
 * The way out of serial operations, by links and by detours: frames at once, grants and refusals
 * once a turn.
 */
import type { Origins } from "../origins.ts";
import { viewOf } from "../view.ts";
import type { SerialMembers } from "./members.ts";
import { encodeSerial, REQUESTS_MAX, type SerialFrame } from "./serial-frames.ts";

/** Frames to peers. */
export class Post {
  readonly #origins: Origins;
  readonly #members: SerialMembers;
  readonly #out: (peerId: number, frame: Uint8Array) => void;
  readonly #grants = new Map<number, number[]>();
  readonly #refusals = new Map<number, number[]>();

  constructor(
    origins: Origins,
    members: SerialMembers,
    out: (peerId: number, frame: Uint8Array) => void,
  ) {
    this.#origins = origins;
    this.#members = members;
    this.#out = out;
  }

  send(id: number, frame: SerialFrame): void {
    this.#out(id, encodeSerial(frame));
  }

  /** To every linked peer that knows serial operations. */
  broadcast(frame: SerialFrame): void {
    const bytes = encodeSerial(frame);
    for (const { id, linked, speaks } of this.#members.all()) {
      if (linked && speaks) this.#out(id, bytes);
    }
  }

  grant(id: number, request: number): void {
    push(this.#grants, id, request);
  }

  refuse(id: number, request: number): void {
    push(this.#refusals, id, request);
  }

  /** What was to go to that peer, or to all, is void. */
  forget(id?: number): void {
    for (const lists of [this.#grants, this.#refusals]) {
      if (id === undefined) lists.clear();
      else lists.delete(id);
    }
  }

  /** Sends the grants and refusals of this turn; `count` is the number of the term. */
  flush(count: number): void {
    if (this.#grants.size === 0 && this.#refusals.size === 0) return;
    for (const [id, granted] of this.#grants) {
      const view = viewOf(this.#origins);
      const alive: number[] = [];
      for (const member of this.#members.alive()) if (member.id !== id) alive.push(member.id);
      for (const requests of slices(granted)) {
        this.send(id, { kind: "grant", count, view, alive, requests });
      }
    }
    for (const [id, refused] of this.#refusals) {
      for (const requests of slices(refused)) this.send(id, { kind: "refuse", requests });
    }
    this.forget();
  }
}

/** In pieces that fit into a frame. */
export function* slices<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += REQUESTS_MAX) yield items.slice(at, at + REQUESTS_MAX);
}

function push(lists: Map<number, number[]>, id: number, item: number): void {
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [item]);
  else list.push(item);
}
