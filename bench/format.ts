/** Figures as people read them, and tables of them in Markdown, aligned for a terminal too. */

const DASH = "–";

/** A part of a report: a caption and a table. */
export interface Sheet {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Three significant digits with thousands and millions: "61.2 k/s". */
export function perSecond(rate: number): string {
  if (!Number.isFinite(rate)) return DASH;
  if (rate >= 1e6) return `${digits(rate / 1e6)} M/s`;
  if (rate >= 1e3) return `${digits(rate / 1e3)} k/s`;
  return `${digits(rate)} /s`;
}

export function micros(value: number): string {
  if (!Number.isFinite(value)) return DASH;
  if (value >= 1e6) return `${digits(value / 1e6)} s`;
  if (value >= 1e3) return `${digits(value / 1e3)} ms`;
  return `${digits(value)} µs`;
}

export function millis(value: number): string {
  return micros(value * 1000);
}

export function bytes(value: number): string {
  if (!Number.isFinite(value)) return DASH;
  if (value >= 2 ** 20) return `${digits(value / 2 ** 20)} MiB`;
  if (value >= 2 ** 10) return `${digits(value / 2 ** 10)} KiB`;
  return `${digits(value)} B`;
}

/** How many times: "3.2×". */
export function times(ratio: number): string {
  return Number.isFinite(ratio) ? `${digits(ratio)}×` : DASH;
}

/** Three significant digits. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return DASH;
  if (value === 0) return "0";
  const decimals = Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(decimals);
}

/** A sheet without its caption, as Markdown. */
export function table({ head, rows }: Sheet): string {
  const widths = head.map((cell, column) => {
    return Math.max(3, cell.length, ...rows.map((row) => (row[column] ?? "").length));
  });
  const line = (cells: readonly string[]) => {
    return `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  };
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}
