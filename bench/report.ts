/** What one benchmark hands over, and the text that is made of it. */
import type { Figure } from "./figure.ts";
import { type Sheet, table } from "./format.ts";

/** What one benchmark has found. */
export interface Report {
  readonly name: string;
  /** Sentences: what was done, and what to be careful with. */
  readonly notes: readonly string[];
  readonly sheets: readonly Sheet[];
  /** Where Skein is behind a peer or behind its target, one sentence each. */
  readonly behind: readonly string[];
  /** What the JSON file keeps, and what the goals and plots read. */
  readonly figures: readonly Figure[];
}

/** The whole report as Markdown. */
export function toMarkdown(report: Report): string {
  const parts = [`## ${report.name}`, ...report.notes];
  for (const sheet of report.sheets) parts.push(`**${sheet.caption}**`, table(sheet));
  const verdict =
    report.behind.length === 0
      ? "Behind: nowhere in this run."
      : `Behind:\n\n${report.behind.map((line) => `- ${line}`).join("\n")}`;
  return `${[...parts, verdict].join("\n\n")}\n`;
}
