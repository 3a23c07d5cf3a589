/** One process at a time uses a folder. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ConflictError, NotRunningError } from "../../../../src/errors.ts";
import { FileAdapter } from "../../../../src/persistent/adapters/file/file-adapter.ts";
import { FileLock } from "../../../../src/persistent/adapters/file/file-lock.ts";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "skein-lock-"));
  path = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

const leave = (holder: object) => writeFile(path, JSON.stringify(holder));
const other = { pid: 2 ** 22 + 1, start: "1", host: hostname(), name: "other", token: "t" };
const longAgo = () => utimes(path, new Date(0), new Date(0));

it("a second one is refused, with the name of the first", async () => {
  const first = new FileAdapter({ folder, owner: "first" });
  const second = new FileAdapter({ folder, owner: "second" });
  await first.open();
  await expect(second.open()).rejects.toThrow(ConflictError);
  await expect(second.open()).rejects.toThrow(`process ${process.pid} ("first") on`);
  await expect(second.ping()).rejects.toThrow(NotRunningError);
  await first.close();
  await second.open();
  await first.close();
  await expect(first.open()).rejects.toThrow(/"second"/);
  await second.close();
  await expect(stat(path)).rejects.toThrow("ENOENT");
});

it("the lock of a process that is dead is taken", async () => {
  await leave(other);
  await (await FileLock.take(folder, "heir")).release();
});

it("the lock of a process whose id another one has by now is taken", async () => {
  await leave({ ...other, pid: process.pid, start: "1" });
  const lock = await FileLock.take(folder, "heir");
  expect(await readFile(path, "utf8")).toContain('"heir"');
  await lock.release();
});

// Only there does the system tell.
it.runIf(process.platform === "linux")("a process that nobody has waited for is dead", async () => {
  const parent = spawn("sh", ["-c", "sleep 300 & echo $!; exec sleep 300"]);
  const pid = await new Promise<number>((resolve) => {
    parent.stdout.once("data", (text) => resolve(Number(text)));
  });
  const about = async (of?: number) => (await readFile(`/proc/${of}/stat`, "latin1")).split(" ");
  // A shell would wait for its child; what it becomes does not.
  while ((await about(parent.pid))[1] !== "(sleep)") await nextTurn();
  process.kill(pid, "SIGKILL");
  while ((await about(pid))[2] !== "Z") await nextTurn();
  await leave({ ...other, pid, start: (await about(pid))[21] });
  await (await FileLock.take(folder, "heir")).release();
  parent.kill();
});

it("the lock of another host is respected while it is touched, and taken when it is not", async () => {
  await leave({ ...other, host: "elsewhere" });
  await expect(FileLock.take(folder, "heir")).rejects.toThrow(/"other"\) on elsewhere/);
  await longAgo();
  await (await FileLock.take(folder, "heir")).release();
});

it("a lock that was left half written is taken when it is old", async () => {
  await writeFile(path, '{"pid":');
  await expect(FileLock.take(folder, "heir")).rejects.toThrow(ConflictError);
  await longAgo();
  await (await FileLock.take(folder, "heir")).release();
});

it("of several that find a lock stale one takes it", async () => {
  await leave(other);
  const takers = ["a", "b", "c", "d", "e"].map((name) => FileLock.take(folder, name));
  const results = await Promise.allSettled(takers);
  const taken = results.filter((result) => result.status === "fulfilled");
  expect(taken).toHaveLength(1);
  await taken[0]?.value.release();
});

it("what somebody else holds by now is not released", async () => {
  const lock = await FileLock.take(folder, "first");
  await leave(other);
  await lock.release();
  expect(await readFile(path, "utf8")).toContain('"other"');
});
