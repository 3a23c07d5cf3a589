/**
 * Who is alive in this node's opinion, as serial operations need it, and who died lately: the
 * dead may have written what only some of the others hold. They are *settled* once every living
 * member says that it has no link to any of them and holds just as much of their logs as this
 * node does. Until then nobody may decide anything on the keys that they might have held.
 */
import { COVERS_ALL, type Origins } from "../origins.ts";
import { inRanges, type View } from "../view.ts";

/** One other node. */
export interface SerialMember {
  readonly id: number;
  name: string;
  alive: boolean;
  /** Serial frames reach it: by a link, or by a detour. */
  linked: boolean;
  /** By a link of its own. */
  isDirect: boolean;
  /** Its software has serial operations. */
  speaks: boolean;
  /** It is linked and passes on frames of detours. */
  relays: boolean;
}

/** What is known of a peer that has become reachable. */
export interface Reachable {
  readonly name: string;
  readonly speaks: boolean;
  readonly isDirect: boolean;
  readonly relays: boolean;
}

const UNREACHED = { alive: false, linked: false, isDirect: false, speaks: true, relays: false };

interface HeardReport {
  /** How many deaths this node knew of when the report came. */
  readonly deaths: number;
  readonly view: View;
  readonly links: ReadonlySet<number>;
}

/** The list. */
export class SerialMembers {
  readonly #self: number;
  readonly #origins: Origins;
  readonly #members = new Map<number, SerialMember>();
  readonly #dead = new Set<number>();
  readonly #reports = new Map<number, HeardReport>();
  #deaths = 0;

  constructor(self: number, origins: Origins) {
    this.#self = self;
    this.#origins = origins;
  }

  /** The dead that are not settled. */
  get dead(): ReadonlySet<number> {
    return this.#dead;
  }

  /** The one who leads in this node's opinion. */
  get lowest(): number {
    let lowest = this.#self;
    for (const { id, alive } of this.#members.values()) if (alive && id < lowest) lowest = id;
    return lowest;
  }

  get(id: number): SerialMember | undefined {
    return this.#members.get(id);
  }

  /** All that are linked or alive. */
  all(): IterableIterator<SerialMember> {
    return this.#members.values();
  }

  *alive(): IterableIterator<SerialMember> {
    for (const member of this.#members.values()) if (member.alive) yield member;
  }

  /** Origins that this node has links to. */
  links(): number[] {
    const links: number[] = [];
    for (const { id, isDirect } of this.#members.values()) if (isDirect) links.push(id);
    return links;
  }

  /** Members of older software, which know nothing of serial operations. */
  tooOld(): string[] {
    const names: string[] = [];
    for (const { linked, speaks, name } of this.#members.values()) {
      if (linked && !speaks) names.push(name);
    }
    return names;
  }

  linked(id: number, of: Reachable): void {
    const member = this.#member(id);
    Object.assign(member, of, { linked: true });
    this.#reports.delete(id);
  }

  unlinked(id: number): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.linked = false;
    member.isDirect = false;
    member.relays = false;
    if (!member.alive) this.#forget(id);
  }

  up(id: number, name: string): void {
    const member = this.#member(id);
    member.alive = true;
    member.name = name;
    this.#dead.delete(id);
  }

  /** It is down or closed. */
  down(id: number): void {
    const member = this.#members.get(id);
    if (member?.alive !== true) return;
    member.alive = false;
    this.#dead.add(id);
    this.#deaths++;
    if (!member.linked) this.#forget(id);
  }

  /** A member says, directly, what it holds and whom it is linked to. */
  reported(id: number, report: { readonly view: View; readonly links: readonly number[] }): void {
    if (!this.#members.has(id)) return;
    const links = new Set(report.links);
    this.#reports.set(id, { deaths: this.#deaths, view: report.view, links });
  }

  /** Whether a member has said that it is linked to another. */
  isLinkedTo(id: number, other: number): boolean {
    return this.#reports.get(id)?.links.has(other) === true;
  }

  /** How far a member has applied this node's log, by its own word. */
  applied(id: number): number {
    return this.#reports.get(id)?.view.vector.get(this.#self) ?? 0;
  }

  /** Settles the dead if all members agree on them; returns those that it settled. */
  settle(): number[] {
    if (this.#dead.size === 0) return [];
    for (const { id } of this.alive()) {
      const report = this.#reports.get(id);
      if (report === undefined || report.deaths !== this.#deaths) return [];
      for (const dead of this.#dead) if (!this.#agreesOn(dead, report)) return [];
    }
    const settled = [...this.#dead];
    this.#dead.clear();
    return settled;
  }

  #agreesOn(dead: number, { links, view }: HeardReport): boolean {
    if (links.has(dead)) return false;
    const index = this.#origins.find(dead);
    const ours = index < 0 ? 0 : (this.#origins.vector[index] as number);
    const theirs = view.vector.get(dead) ?? 0;
    return ours === COVERS_ALL || ours === theirs || inRanges(view.retired, dead);
  }

  #forget(id: number): void {
    this.#members.delete(id);
    this.#reports.delete(id);
  }

  #member(id: number): SerialMember {
    let member = this.#members.get(id);
    if (member === undefined) {
      member = { id, name: String(id), ...UNREACHED };
      this.#members.set(id, member);
    }
    return member;
  }
}

/** Whether this replica has all that the view covers. */
export function coversView(origins: Origins, view: View): boolean {
  // Of a retired origin nobody says how far its log went: only a session brings all of it.
  if (!origins.retired.includes(view.retired)) return false;
  for (const [id, seq] of view.vector) {
    if (seq === 0) continue;
    const index = origins.find(id);
    if (index < 0 ? !origins.retired.has(id) : !origins.covered(index, seq)) return false;
  }
  return true;
}
