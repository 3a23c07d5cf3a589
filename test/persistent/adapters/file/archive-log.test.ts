/** An archive's file that was torn, damaged or has grown. */
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ProtocolError } from "../../../../src/errors.ts";
import { ArchiveLog } from "../../../../src/persistent/adapters/file/archive-log.ts";
import { ALL_ITEMS } from "../../../../src/persistent/contract/driver.ts";
import { silentLog } from "../../../../src/runtime.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-log-"));
  path = join(folder, "archive.log");
});
afterEach(() => rm(folder, { recursive: true }));

const load = (from = path) => ArchiveLog.load(from, "römeo", silentLog);
const row = (key: string, value = key) => ({ key, when: 1n, with: "w", value });

async function contentOf(log: ArchiveLog): Promise<string> {
  const rows = await log.read(log.items.select(ALL_ITEMS));
  return rows.map(({ key, value }) => `${key}=${value}`).join(" ");
}

/** Five acknowledged steps; after each the length of the file and what it holds. */
async function written(): Promise<{ bytes: number; content: string }[]> {
  const states = [{ bytes: 0, content: "" }];
  const log = await load();
  const note = async () => {
    states.push({ bytes: (await stat(path)).size, content: await contentOf(log) });
  };
  await log.append([row("a", '"ä\\n"'), row("b", "[1]")]);
  await note();
  await log.append([row("c"), row("a", "2")]);
  await note();
  await log.set(row("b", '"00000000 5"'));
  await note();
  await log.delete(["c"]);
  await note();
  await log.append([row("d")]);
  await note();
  return states;
}

describe("a file cut at any byte", () => {
  it("has what was acknowledged before, goes on, and is whole afterwards", async () => {
    const states = await written();
    const whole = await readFile(path);
    expect(states.at(-1)?.content).toBe('b="00000000 5" a=2 d=d');
    for (let bytes = 0; bytes <= whole.length; bytes++) {
      await writeFile(path, whole.subarray(0, bytes));
      const expected = states.findLast((state) => state.bytes <= bytes);
      const log = await load();
      expect(await contentOf(log)).toBe(expected?.content);
      expect((await stat(path)).size).toBe(expected?.bytes);
      await log.append([row("z")]);
      expect(await contentOf(await load())).toBe(`${expected?.content ?? ""} z=z`.trim());
    }
  });

  it("is the same when what was lost reads as zeros", async () => {
    const states = await written();
    const whole = await readFile(path);
    const before = states.at(-2);
    for (let bytes = before?.bytes ?? 0; bytes < whole.length; bytes++) {
      await writeFile(path, Buffer.from(whole).fill(0, bytes));
      expect(await contentOf(await load())).toBe(before?.content);
    }
  });
});

describe("a file that is damaged", () => {
  it("in front of whole frames is refused, with its name, and left as it is", async () => {
    const states = await written();
    const whole = await readFile(path);
    const last = states.at(-2)?.bytes ?? 0;
    for (let at = 0; at < last; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x41;
      await writeFile(path, damaged);
      await expect(load()).rejects.toThrow(ProtocolError);
      await expect(load()).rejects.toThrow(path);
      expect(await readFile(path)).toEqual(damaged);
    }
  });
});

describe("a file of which most is dead", () => {
  it("is rewritten with what lives, in its order and at its positions", async () => {
    const log = await load();
    const filler = `"${"x".repeat(10_000)}"`;
    await log.append([row("a", filler), row("b", filler), row("c", filler)]);
    await log.append([row("a", filler)]);
    const places = ["b", "c", "a"].map((key) => log.items.get(key)?.position);
    for (let round = 0; round < 40; round++) await log.set(row("c", `"${round}"`));
    for (let round = 0; round < 40; round++) await log.append([row("d", filler), row("e", "1")]);
    expect((await stat(path)).size).toBeLessThan(150_000);
    for (const each of [log, await load()]) {
      expect(each.items.select(ALL_ITEMS).map(({ key }) => key)).toEqual([..."bcade"]);
      expect(["b", "c", "a"].map((key) => each.items.get(key)?.position)).toEqual(places);
      expect((await contentOf(each)).split(" ")[1]).toBe('c="39"');
    }
    const more = await load();
    await more.append([row("f")]);
    expect(more.items.get("f")?.position).toBeGreaterThan(places[2] ?? 0n);
  });

  it("is gone when nothing lives, and comes again", async () => {
    const log = await load();
    await log.append([row("a"), row("b")]);
    await log.delete(["b", "a"]);
    await expect(stat(path)).rejects.toThrow("ENOENT");
    await log.append([row("c")]);
    expect(await contentOf(await load())).toBe("c=c");
  });
});

it("a file that somebody else has cut is no answer but an error", async () => {
  const log = await load();
  await log.append([row("a", `"${"x".repeat(100)}"`)]);
  await truncate(path, 60);
  await expect(contentOf(log)).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
});
