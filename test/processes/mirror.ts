/**
 * A copy of a table that is kept from its watcher's events alone: if each change is told once and
 * in order, it is at every moment between two turns what a reader would see.
 */
import type { BagTable, Table } from "../../src/index.ts";
import type { MirrorReport } from "./plan.ts";
import type { Load } from "./writers.ts";

const FAULTS_MAX = 10;

type Watched = Table<Load, string> | BagTable<Load, string>;

/** See the head of this file. Begins with what is there. */
export class Mirror {
  readonly #name: string;
  readonly #table: Watched;
  readonly #isBag: boolean;
  /** Of events that did not follow from those before; the first of them. */
  readonly #faults: string[] = [];
  #faultCount = 0;
  readonly #reasons: Record<string, number> = {};
  /** By key, and in a bag by value, which it shows once at most. */
  #rows = new Map<string, string>();
  #missed = 0;

  constructor(table: Watched, name: string, isBag: boolean) {
    this.#name = name;
    this.#table = table;
    this.#isBag = isBag;
    this.#rows = this.#read();
    table.watch({}, (event) => {
      if (event.type === "missed") {
        this.#missed += event.changes;
        this.#rows = this.#read();
        return;
      }
      this.#reasons[event.reason] = (this.#reasons[event.reason] ?? 0) + 1;
      const previous = event.previous === undefined ? undefined : JSON.stringify(event.previous);
      if (event.type === "delete") this.#gone(JSON.stringify(event.key), previous, event.reason);
      else this.#came(JSON.stringify(event.key), JSON.stringify(event.value), previous);
    });
  }

  /** Compares with what a reader sees now. */
  report(): MirrorReport {
    const read = this.#read();
    const faults = [...this.#faults];
    for (const [place, value] of read) {
      if (this.#rows.get(place) !== value) {
        faults.push(`${this.#name} ${place} is ${value}, told was ${this.#rows.get(place)}`);
      }
    }
    for (const place of this.#rows.keys()) {
      if (!read.has(place)) faults.push(`${this.#name} ${place} is gone, which was not told`);
    }
    const faultCount = this.#faultCount + faults.length - this.#faults.length;
    return {
      reasons: this.#reasons,
      missed: this.#missed,
      faultCount,
      faults: faults.slice(0, FAULTS_MAX),
    };
  }

  #came(key: string, value: string, previous: string | undefined): void {
    const place = this.#isBag ? `${key} ${value}` : key;
    const known = this.#rows.get(place);
    if (known !== previous) this.#fault(`${key} is set over ${previous}, known was ${known}`);
    this.#rows.set(place, value);
  }

  #gone(key: string, previous: string | undefined, reason: string): void {
    const place = this.#isBag ? `${key} ${previous}` : key;
    const known = this.#rows.get(place);
    if (known !== previous)
      this.#fault(`${key} goes (${reason}) as ${previous}, known was ${known}`);
    this.#rows.delete(place);
  }

  #fault(text: string): void {
    this.#faultCount++;
    if (this.#faults.length < FAULTS_MAX) this.#faults.push(`${this.#name} ${text}`);
  }

  #read(): Map<string, string> {
    const rows = new Map<string, string>();
    for (const { key, value, hidden } of this.#table.dump()) {
      if (hidden) continue;
      const [name, text] = [JSON.stringify(key), JSON.stringify(value)];
      rows.set(this.#isBag ? `${name} ${text}` : name, text);
    }
    return rows;
  }
}
