/**
 * Text for people: colours where the stream shows them, columns that line up, numbers and
 * durations with units. Knows nothing of what it prints.
 */
import { styleText } from "node:util";

/** The colours that the commands use. On a stream without colours all of them do nothing. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly red: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Colours only on a terminal, and not where the environment asks for none. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Paint {
  const refused = (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  const coloured = stream.isTTY === true && !refused;
  const style = (format: "bold" | "dim" | "green" | "yellow" | "red" | "cyan") =>
    coloured
      ? (text: string) => styleText(format, text, { validateStream: false })
      : (text: string) => text;
  return {
    bold: style("bold"),
    dim: style("dim"),
    green: style("green"),
    yellow: style("yellow"),
    red: style("red"),
    cyan: style("cyan"),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding those is the purpose.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that Paint writes.
const COLOURS = /\u001b\[\d+m/g;

/** Text from elsewhere, made harmless for a terminal. */
export function printable(text: string): string {
  return text.replace(CONTROL, "\ufffd");
}

/** Rows as columns two spaces apart; numbers (as text) to the right where `right` says so. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []) {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const gap = " ".repeat((widths[column] ?? 0) - width(cell));
        return right.includes(column) ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Characters that a terminal shows of it. */
export function width(text: string): number {
  return text.replace(COLOURS, "").length;
}

/** Cuts to what fits into `max` characters; colours are dropped from what is cut. */
export function clip(text: string, max: number): string {
  if (width(text) <= max) return text;
  return `${text.replace(COLOURS, "").slice(0, Math.max(0, max - 1))}…`;
}

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A duration with the unit that fits: "0.42 ms", "12 ms", "2.31 s", "3 m 5 s", "2 h 4 m". */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`;
  const seconds = Math.floor(ms / 1_000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} m`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "a", "a and b", "a, b and c". */
export function sentenceList(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} and ${last}`;
}
