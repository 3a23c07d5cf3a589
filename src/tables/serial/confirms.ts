/**
 * The last step of `quorum` mode: a decision counts once a majority of voters holds all that the
 * decider held, each of them while it had promised no newer term. A later leader hears from a
 * majority before it serves, so it hears of the decision from one of those at least.
 */
import { ProtocolError } from "../../errors.ts";
import type { Origins } from "../origins.ts";
import type { View } from "../view.ts";
import { coversView } from "./members.ts";
import type { AskedKey, SerialFrame } from "./serial-frames.ts";
import { compareTerms, type Term } from "./term.ts";

/** Questions of one peer that wait for an answer, at most. */
const QUESTIONS_MAX = 100_000;

/** One question of ours. */
export interface Confirmation<T> {
  readonly id: number;
  readonly term: Term;
  readonly view: View;
  readonly calls: readonly T[];
  /** Before the decision: the keys that it is about. */
  readonly asked: readonly AskedKey[];
  readonly isCheck: boolean;
  readonly yes: Set<number>;
  readonly no: Set<number>;
}

interface Question {
  readonly id: number;
  readonly view: View;
}

/** Questions both ways. */
export class Confirms<T> {
  readonly #origins: Origins;
  readonly #open = new Map<number, Confirmation<T>>();
  /** Of peers, in the order in which they came. */
  readonly #questions = new Map<number, Question[]>();
  #nextId = 1;

  constructor(origins: Origins) {
    this.#origins = origins;
  }

  ask(
    calls: readonly T[],
    of: Pick<Confirmation<T>, "term" | "view" | "asked" | "isCheck">,
  ): Confirmation<T> {
    const made = {
      id: this.#nextId++,
      ...of,
      calls,
      yes: new Set<number>(),
      no: new Set<number>(),
    };
    this.#open.set(made.id, made);
    return made;
  }

  open(): IterableIterator<Confirmation<T>> {
    return this.#open.values();
  }

  close(id: number): void {
    this.#open.delete(id);
  }

  /** A peer's answer. */
  answered(from: number, by: Extract<SerialFrame, { kind: "confirmed" }>): void {
    const open = this.#open.get(by.id);
    if (open === undefined || !by.voter) return;
    if (compareTerms(by.promised, open.term) > 0) open.no.add(from);
    else open.yes.add(from);
  }

  /** A closed incarnation's word does not count: its successor remembers nothing of it. */
  closed(id: number): void {
    this.#questions.delete(id);
    for (const { yes, no } of this.#open.values()) {
      yes.delete(id);
      no.delete(id);
    }
  }

  unlinked(id: number): void {
    this.#questions.delete(id);
  }

  asked(from: number, question: Question): void {
    let questions = this.#questions.get(from);
    if (questions === undefined) {
      questions = [];
      this.#questions.set(from, questions);
    }
    if (questions.length >= QUESTIONS_MAX) throw new ProtocolError("too many open confirmations");
    questions.push(question);
  }

  /** Takes out what can be answered by now. */
  answers(): { readonly to: number; readonly id: number }[] {
    const answers: { to: number; id: number }[] = [];
    for (const [to, questions] of this.#questions) {
      let count = 0;
      // Each covers what the one before does: they come from one node, in order.
      for (const { id, view } of questions) {
        if (!coversView(this.#origins, view)) break;
        answers.push({ to, id });
        count++;
      }
      questions.splice(0, count);
      if (questions.length === 0) this.#questions.delete(to);
    }
    return answers;
  }
}
