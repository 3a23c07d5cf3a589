/**
 * Full text, the same on every database: words in lower case without punctuation. A message is
 * found if each word that is looked for is a part of it, in any order.
 */
import { InvalidArgumentError } from "../../errors.ts";

/** Further words of a search are not looked at. */
export const SEARCH_WORDS_MAX = 10;

const NO_WORD = /[^\p{L}\p{N}\p{M}]+/gu;

/** What of a text is searched: its words, with one space between. */
export function searchBody(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(NO_WORD, " ").trim();
}

/**
 * Patterns for LIKE, all of which a body must match. Words hold no sign that LIKE knows.
 * @throws InvalidArgumentError if the text has no word
 */
export function searchPatterns(text: string): readonly string[] {
  const words = searchBody(text)
    .split(" ")
    .filter((word) => word !== "");
  if (words.length === 0) {
    throw new InvalidArgumentError("text has no word to look for; allowed is at least one");
  }
  return [...new Set(words)].slice(0, SEARCH_WORDS_MAX).map((word) => `%${word}%`);
}
