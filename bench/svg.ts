/**
 * Pictures of figures, made of text: bars in groups and curves, both on a logarithmic scale,
 * because what is compared differs by factors and not by sums.
 */

/** A value and how far it spread. */
export interface Bar {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** One row of bars for each case, one bar for each side that took part. */
export interface BarChart {
  readonly title: string;
  /** As in a legend; colours follow this order. */
  readonly sides: readonly string[];
  readonly groups: readonly {
    readonly label: string;
    readonly bars: ReadonlyMap<string, Bar>;
  }[];
  show(value: number): string;
}

/** Curves over one horizontal axis. */
export interface CurveChart {
  readonly title: string;
  readonly across: string;
  readonly curves: readonly {
    readonly label: string;
    readonly points: readonly { readonly x: number; readonly y: Bar }[];
  }[];
  show(value: number): string;
}

const WIDTH = 860;
const LEFT = 270;
const RIGHT = 110;
const TOP = 64;
const BAR = 13;
const GROUP_GAP = 12;
const PLOT_HEIGHT = 320;
/** Told apart without colours as well: by their order, and by the figure at each bar. */
const COLORS = ["#2b6cb0", "#dd6b20", "#38a169", "#805ad5", "#b7791f", "#718096"];

/** Horizontal bars with their spread as a line and their value as text. */
export function barChart({ title, sides, groups, show }: BarChart): string {
  const parts = [legend(sides)];
  const values = groups.flatMap(({ bars }) => [...bars.values()]);
  const x = logScale(
    values.flatMap(({ low, high, value }) => [low, high, value]),
    { from: LEFT, to: WIDTH - RIGHT },
  );
  let y = TOP;
  for (const { label, bars } of groups) {
    const middle = y + (bars.size * BAR) / 2 + 4;
    parts.push(text(LEFT - 8, middle, label, 'text-anchor="end"'));
    for (const [side, bar] of bars) {
      const color = colorOf(sides.indexOf(side));
      const end = x(bar.value);
      const inner = y + BAR / 2;
      parts.push(
        `<rect x="${LEFT}" y="${y + 1}" width="${round(end - LEFT)}" height="${BAR - 2}" ` +
          `fill="${color}"/>`,
        `<path d="M${x(bar.low)} ${inner}H${x(bar.high)}" stroke="#1a202c"/>`,
        text(Math.max(end, x(bar.high)) + 4, y + BAR - 3, show(bar.value)),
      );
      y += BAR;
    }
    y += GROUP_GAP;
  }
  return document(title, y + 8, parts);
}

/** Points, their spread, and lines between them. */
export function curveChart({ title, across, curves, show }: CurveChart): string {
  const points = curves.flatMap((curve) => curve.points);
  const bottom = TOP + PLOT_HEIGHT;
  const left = 90;
  const x = logScale(
    points.map((point) => point.x),
    { from: left + 20, to: WIDTH - RIGHT },
  );
  const y = logScale(
    points.flatMap((point) => [point.y.low, point.y.high]),
    { from: bottom - 10, to: TOP + 10 },
  );
  const parts = [
    legend(curves.map(({ label }) => label)),
    `<path d="M${left} ${TOP}V${bottom}H${WIDTH - 20}" fill="none" stroke="#718096"/>`,
    text((left + WIDTH) / 2, bottom + 34, across, 'text-anchor="middle"'),
  ];
  for (const at of new Set(points.map((point) => point.x))) {
    parts.push(text(x(at), bottom + 16, String(at), 'text-anchor="middle"'));
  }
  for (const [index, curve] of curves.entries()) {
    const color = colorOf(index);
    const path = curve.points.map((point) => `${x(point.x)} ${y(point.y.value)}`).join("L");
    parts.push(`<path d="M${path}" fill="none" stroke="${color}" stroke-width="2"/>`);
    for (const point of curve.points) {
      const [cx, cy] = [x(point.x), y(point.y.value)];
      // Labels of the first curve stand above it, those of the others below.
      const offset = index === 0 ? -8 : 18;
      parts.push(
        `<path d="M${cx} ${y(point.y.low)}V${y(point.y.high)}" stroke="#1a202c"/>`,
        `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${color}"/>`,
        text(cx + 6, cy + offset, show(point.y.value), `fill="${color}"`),
      );
    }
  }
  return document(title, bottom + 48, parts);
}

/** From powers of ten below the least to above the greatest; values of 0 lie at the start. */
function logScale(
  values: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
): (value: number) => number {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const low = Math.log10(Math.min(...positive, Number.MAX_VALUE)) - 0.15;
  const high = Math.log10(Math.max(...positive, Number.MIN_VALUE)) + 0.02;
  return (value) => {
    if (!(value > 0) || positive.length === 0) return from;
    return round(from + ((Math.log10(value) - low) / Math.max(high - low, 0.01)) * (to - from));
  };
}

function legend(labels: readonly string[]): string {
  let x = 16;
  const parts = labels.map((label, index) => {
    const at = x;
    x += 30 + label.length * 7;
    return (
      `<rect x="${at}" y="34" width="11" height="11" fill="${colorOf(index)}"/>` +
      text(at + 16, 44, label)
    );
  });
  return parts.join("\n");
}

function colorOf(index: number): string {
  return COLORS[Math.max(0, index) % COLORS.length] ?? "#718096";
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped(content)}</text>`;
}

function document(title: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${Math.ceil(height)}" ` +
      `viewBox="0 0 ${WIDTH} ${Math.ceil(height)}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    text(16, 22, title, 'font-size="14" font-weight="bold"'),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
