/** What the demonstration claims, what it measured, and who is told while it runs. */

/** Numbers and words behind a claim, for programs. */
export type Facts = Readonly<Record<string, number | string | boolean>>;

/** One claim after it was tried. */
export interface Claim {
  /** A sentence that can be false. */
  readonly claim: string;
  /** What was measured, for people; why it failed if it did. */
  readonly measured: string;
  readonly ok: boolean;
  readonly facts: Facts;
}

/** What a step that went well has to say. */
export interface Shown {
  readonly measured: string;
  readonly facts: Facts;
  /** What people see besides. */
  readonly lines?: readonly string[];
}

/** Who follows a run. Makers: the terminal, and the silent one for --json. */
export interface Follower {
  /** A step begins, which is to show this claim. */
  began(claim: string): void;
  /** What is going on within the step, replaced often. */
  detail(text: string): void;
  /** It has ended. */
  ended(claim: Claim, lines: readonly string[]): void;
}

/** Says nothing. */
export const silentFollower: Follower = { began() {}, detail() {}, ended() {} };
