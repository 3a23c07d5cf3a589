/** Randomness from a seed (sfc32): the same seed gives the same run, on every machine. */
import type { Random } from "../../src/runtime.ts";

/** A stream of random numbers. `fork` gives an independent one for another purpose. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream = 0) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 0x100000000) ^ 0x9e3779b9;
    this.#c = stream ^ 0x243f6a88;
    for (let round = 0; round < 12; round++) this.u32();
  }

  /** A stream that depends on this one's seed and place, and on nothing drawn later. */
  fork(stream: number): SeededRandom {
    return new SeededRandom(this.u32(), stream);
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    const mixed = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return mixed >>> 0;
  }

  float(): number {
    return this.u32() / 0x100000000;
  }

  bytes(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at++) bytes[at] = this.u32() >>> 24;
    return bytes;
  }

  /** Uniform in [from, to], whole. */
  int(from: number, to: number): number {
    return from + Math.floor(this.float() * (to - from + 1));
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.float() * (to - from);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.float() * items.length)] as T;
  }
}
