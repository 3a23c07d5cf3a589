/**
 * A statement's text as its database wants it: placeholders are written `?` everywhere, and
 * become `$1`, `$2` … for PostgreSQL. Read once for each text and kept.
 */
import { createHash } from "node:crypto";

/** A text, ready to be sent. */
export interface Statement {
  /** In the database's own form. */
  readonly text: string;
  /** A name to prepare it under; the same for the same text in every process. */
  readonly name: string;
  /** How many placeholders it has. */
  readonly placeholders: number;
  /** It reads only, as far as its first word tells. */
  readonly isRead: boolean;
  /** The first row alone is wanted. */
  readonly isFirst: boolean;
}

/** Texts kept; more are read each time, and not prepared under a name. */
const TEXTS_MAX = 1000;
/** Strings, quoted names, comments and dollar quotes, in which a ? is no placeholder. */
const PIECE =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|\?\??/g;
const READS = /^\s*(?:select|values|explain|show|table)\b/i;
const WITH_WRITE = /\b(?:insert|update|delete|merge)\b/i;

/** See the head of this file. */
export class Statements {
  readonly #numbered: boolean;
  readonly #known = new Map<string, Statement>();
  readonly #firsts = new Map<string, Statement>();

  constructor(options: { readonly numbered: boolean }) {
    this.#numbered = options.numbered;
  }

  /** The statement of a text. `??` stands for a question mark that is none of ours. */
  of(text: string, isFirst = false): Statement {
    const kept = isFirst ? this.#firsts : this.#known;
    const known = kept.get(text);
    if (known !== undefined) return known;
    const isKept = kept.size < TEXTS_MAX;
    const statement = this.#read(text, isKept, isFirst);
    if (isKept) kept.set(text, statement);
    return statement;
  }

  #read(text: string, isKept: boolean, isFirst: boolean): Statement {
    let placeholders = 0;
    const rewritten = text.replace(PIECE, (piece) => {
      if (piece === "??") return "?";
      if (piece !== "?") return piece;
      placeholders++;
      return this.#numbered ? `$${placeholders}` : "?";
    });
    return {
      text: rewritten,
      name: isKept
        ? `skein_${createHash("sha256").update(rewritten).digest("hex").slice(0, 24)}`
        : "",
      placeholders,
      isRead: READS.test(text) || (/^\s*with\b/i.test(text) && !WITH_WRITE.test(text)),
      isFirst,
    };
  }
}

/** A text without placeholders that is sent as it is, several statements at once if need be. */
export function plain(text: string): Statement {
  return { text, name: "", placeholders: 0, isRead: READS.test(text), isFirst: false };
}
