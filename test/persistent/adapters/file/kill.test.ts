/** A process that is killed while it writes has lost nothing that it has acknowledged. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FileAdapter } from "../../../../src/persistent/adapters/file/file-adapter.ts";
import { StoreOpener } from "../../../../src/persistent/fronts/open-store.ts";
import { compileProgram } from "../../../compile-program.ts";

const KILLS = 12;
const root = fileURLToPath(new URL("../../../..", import.meta.url));
let folder = "";
let program = "";
let stores = "";

beforeAll(async () => {
  stores = await mkdtemp(join(tmpdir(), "skein-killed-"));
  folder = await mkdtemp(join(root, "node_modules/.skein-test-"));
  program = await compileProgram(folder, "test/persistent/adapters/file/writing-process.ts");
});
afterAll(() => Promise.all([folder, stores].map((path) => rm(path, { recursive: true }))));

it("at any time, again and again", async () => {
  let total = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await writeUntilKilled(1 + (kill % 9), kill * 0.7);
    expect(acknowledged).toBeGreaterThan(total);
    total = await check(acknowledged);
  }
});

/** The last number that the process printed before it was killed, some ms after the `count`th. */
async function writeUntilKilled(count: number, delayMs: number): Promise<number> {
  const child = spawn(process.execPath, [program, stores], { timeout: 60_000 });
  const ended = once(child, "exit");
  let last = 0;
  let complaints = "";
  let seen = 0;
  child.stderr.on("data", (chunk) => {
    complaints += String(chunk);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("from ")) continue;
    last = Number(line);
    if (++seen === count) setTimeout(() => child.kill("SIGKILL"), delayMs);
  }
  // Its output may end before it does.
  await ended;
  if (last === 0) throw new Error(`the process wrote nothing: ${complaints}`);
  return last;
}

/** All that was acknowledged is there, whole; one step more may be. Gives the last item's number. */
async function check(acknowledged: number): Promise<number> {
  const adapter = new FileAdapter({ folder: stores, owner: "checker" });
  await adapter.open();
  const opener = new StoreOpener(adapter);
  const host = "example";
  const values = await opener.keyval<{ number: number }>({ host, name: "values" });
  const rows = await opener.keyvalPlus<{ number: number }>({ host, name: "rows" });
  const items = await opener.archive<{ number: number }>({ host, name: "items" });
  const found = await items.find("user", { limit: 10_000 });
  const numbers = found.items.map((item) => item.value.number);
  const last = numbers.at(-1) ?? 0;
  expect([acknowledged, acknowledged + 1]).toContain(last);
  // Of two neighbours the first one goes, unless the process died between.
  const even = numbers.filter((number) => number % 2 === 0);
  expect(even).toEqual(Array.from({ length: Math.floor(last / 2) }, (_, index) => 2 * index + 2));
  for (const number of numbers) {
    if (number % 2 === 1) expect(number).toBeGreaterThanOrEqual(last - 1);
  }
  await items.delete("user", { keys: numbers.filter((number) => number % 2 === 1).map(String) });
  if (last % 2 === 1)
    await items.append("user", { key: String(last + 1), when: 1n, value: { number: last + 1 } });
  expect([acknowledged, acknowledged + 1]).toContain((await values.get("user"))?.number);
  const pair = await rows.get("user");
  expect([acknowledged, acknowledged + 1]).toContain(pair?.get("a")?.number);
  expect(pair?.get("a")).toEqual(pair?.get("b"));
  await adapter.close();
  return last % 2 === 1 ? last + 1 : last;
}
