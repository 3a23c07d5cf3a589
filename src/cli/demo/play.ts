/**
 * After the scenario, on a terminal: the state of the nodes, drawn over twice a second, and keys
 * to kill, restart, freeze and thaw them. One act at a time; drawing goes on meanwhile.
 */
import type { StopSignal } from "../signals.ts";
import { clip, columns, count, duration, type Paint } from "../text.ts";
import type { DemoCluster } from "./cluster.ts";
import type { View } from "./protocol.ts";
import { type Screen, widthOf } from "./terminal.ts";

const REDRAW_MS = 500;
const LOOK_LIMIT_MS = 2_000;
const BURST_MS = 1_000;
const BURST_CALLERS = 32;

/** The part of stdin that is used. */
export interface Keys {
  setRawMode(raw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: "data", listener: (data: Buffer) => void): unknown;
  off(event: "data", listener: (data: Buffer) => void): unknown;
}

export interface Play {
  readonly cluster: DemoCluster;
  readonly stop: Promise<StopSignal>;
  readonly input: Keys;
  readonly screen: Screen;
  readonly paint: Paint;
}

/** Returns when the user has had enough, or a signal came. */
export async function play(options: Play): Promise<void> {
  const player = new Player(options);
  const listener = (data: Buffer) => {
    const keys = data.toString("utf8");
    // Keys typed fast come together; what begins with an escape is one key that means nothing.
    if (!keys.startsWith("\u001b")) for (const key of keys) player.press(key);
  };
  options.input.setRawMode(true);
  options.input.on("data", listener);
  options.input.resume();
  try {
    await Promise.race([player.run(), options.stop]);
  } finally {
    player.quit();
    options.input.off("data", listener);
    options.input.setRawMode(false);
    options.input.pause();
  }
}

class Player {
  readonly #cluster: DemoCluster;
  readonly #screen: Screen;
  readonly #paint: Paint;
  readonly #views = new Map<string, View>();
  #selected: string;
  #note = "";
  #busy = false;
  #ended = false;
  #lines = 0;
  #wake: () => void = () => {};

  constructor({ cluster, screen, paint }: Play) {
    this.#cluster = cluster;
    this.#screen = screen;
    this.#paint = paint;
    this.#selected = cluster.names[0] ?? "";
  }

  /** Draws until the end. */
  async run(): Promise<void> {
    while (!this.#ended) {
      await this.#look();
      if (this.#ended) return;
      this.#draw();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REDRAW_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  quit(): void {
    this.#ended = true;
    this.#wake();
  }

  /** A key, as the terminal sends it in raw mode. */
  press(key: string): void {
    const named = this.#cluster.names[Number(key) - 1];
    if (key === "q" || key === "\u0003" || key === "\u0004") this.quit();
    else if (named !== undefined) this.#selected = named;
    else if (key === "k") this.#act("kill", () => this.#kill());
    else if (key === "r") this.#act("restart", () => this.#restart());
    else if (key === "f") this.#act("freeze or thaw", () => this.#freezeOrThaw());
    else if (key === "w") this.#act("write", () => this.#burst());
    this.#wake();
  }

  #act(what: string, act: () => Promise<string>): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#note = `${what}: ${this.#selected} …`;
    act()
      .then(
        (note) => {
          this.#note = note;
        },
        (error: unknown) => {
          this.#note = this.#paint.red(error instanceof Error ? error.message : String(error));
        },
      )
      .finally(() => {
        this.#busy = false;
        this.#wake();
      });
  }

  async #kill(): Promise<string> {
    const process = this.#cluster.process(this.#selected);
    if (process.state === "ended") return `${process.name} is gone already; r starts it again`;
    await process.kill();
    return `${process.name} was killed; its rows go from the others once they are sure`;
  }

  async #restart(): Promise<string> {
    const name = this.#selected;
    await this.#cluster.process(name).end();
    const startMs = performance.now();
    await this.#cluster.start(name);
    const filledMs = performance.now() - startMs;
    await this.#cluster.fill(name);
    return `${name} was filled and ready after ${duration(filledMs)}, and has written its rows`;
  }

  async #freezeOrThaw(): Promise<string> {
    const process = this.#cluster.process(this.#selected);
    if (process.state === "ended") return `${process.name} is gone; r starts it again`;
    if (process.state === "frozen") {
      process.thaw();
      return `${process.name} runs again`;
    }
    process.freeze();
    return `${process.name} is frozen; f thaws it`;
  }

  async #burst(): Promise<string> {
    const name = this.#selected;
    const written = this.#cluster.written(name);
    if (written === 0) return `${name} has no rows; r starts it again`;
    const { writes, failed, longestMs } = await this.#cluster.process(name).ask(
      "write",
      {
        count: written,
        round: this.#cluster.nextRound(),
        callers: BURST_CALLERS,
        ms: BURST_MS,
      },
      BURST_MS + 15_000,
    );
    const not = failed > 0 ? `, ${failed} not` : "";
    return `${name}: ${count(writes)} writes acknowledged${not}, longest ${duration(longestMs)}`;
  }

  /** A process that does not answer in time keeps the view it gave last. */
  async #look(): Promise<void> {
    await Promise.all(
      this.#cluster.running.map(async (process) => {
        const view = await process.ask("look", {}, LOOK_LIMIT_MS).catch(() => undefined);
        if (view) this.#views.set(process.name, view);
      }),
    );
  }

  #draw(): void {
    const { dim, bold } = this.#paint;
    const rows = this.#cluster.names.map((name, at) => this.#row(name, at));
    const head = ["", "node", "process", "state", "rows", "digest", "sees"].map(dim);
    const lines = [
      "",
      ...columns([head, ...rows], [2, 4]),
      "",
      this.#note,
      `${bold("1")}–${bold(String(rows.length))} choose  ${bold("k")} kill  ${bold("r")} restart  ` +
        `${bold("f")} freeze or thaw  ${bold("w")} write  ${bold("q")} quit`,
    ];
    const width = widthOf(this.#screen);
    const up = this.#lines === 0 ? "" : `\u001b[${this.#lines}A`;
    const text = lines.map((line) => `\u001b[2K${clip(line, width)}\n`).join("");
    this.#screen.write(up + text);
    this.#lines = lines.length;
  }

  #row(name: string, at: number): string[] {
    const { green, yellow, red, bold } = this.#paint;
    const process = this.#cluster.process(name);
    const chosen = name === this.#selected ? bold(`> ${at + 1}`) : `  ${at + 1}`;
    const states = { running: green("running"), frozen: yellow("frozen"), ended: red("gone") };
    const view = process.state === "ended" ? undefined : this.#views.get(name);
    const peers = (view?.peers ?? []).map((peer) => {
      const sees = { alive: green, suspect: yellow, down: red }[peer.state] ?? red;
      return sees(`${peer.name} ${peer.state}${peer.linked ? "" : " (no link)"}`);
    });
    return [
      chosen,
      name,
      String(process.pid),
      states[process.state],
      view ? count(view.rows) : "",
      view?.digest ?? "",
      peers.join(", "),
    ];
  }
}
