import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileDiscovery, parseNodeFile } from "../../src/discovery/file.ts";
import { UnavailableError } from "../../src/errors.ts";
import { silentLog } from "../../src/runtime.ts";
import { realClock } from "./clocks.ts";

describe("the text of a file of nodes", () => {
  function addresses(text: string): string[] {
    return parseNodeFile(text, "nodes.txt").map((node) => node.address);
  }

  test("addresses stand between blanks and lines of any kind", () => {
    expect(addresses("ws://a:1 ws://b:2\tws://c:3\r\nws://d:4\rws://e:5\n\n")).toEqual([
      "ws://a:1",
      "ws://b:2",
      "ws://c:3",
      "ws://d:4",
      "ws://e:5",
    ]);
  });

  test("comments, doubles, an empty file and a byte order mark are no addresses", () => {
    expect(addresses("\uFEFF# all nodes\nws://a:1 # the first\n  #ws://b:2\nws://a:1")).toEqual([
      "ws://a:1",
    ]);
    expect(addresses("")).toEqual([]);
  });

  test("a line that holds no address is an error that names the line", () => {
    expect(() => addresses("ws://a:1\nws://b\u0000:2")).toThrow("nodes.txt, line 2");
    expect(() => addresses("x".repeat(2000))).toThrow(UnavailableError);
    const many = Array.from({ length: 10_001 }, (_, index) => `ws://a:${index}`).join("\n");
    expect(() => addresses(many)).toThrow("has 10001 addresses, at most 10000");
  });
});

describe("the file", () => {
  let folder: string;
  let file: string;
  let backend: FileDiscovery;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skein-file-"));
    file = join(folder, "nodes.txt");
    backend = new FileDiscovery({ file, clock: realClock, log: silentLog });
  });

  afterEach(async () => {
    await backend.close();
    rmSync(folder, { recursive: true });
  });

  test("may be too large, a folder or missing: each is an error that says so", async () => {
    await expect(backend.getNodes()).rejects.toThrow("cannot be read");
    await writeFile(file, "#".repeat(1_048_577));
    await expect(backend.getNodes()).rejects.toThrow("has 1048577 bytes, at most 1048576");
    rmSync(file);
    await mkdir(file);
    await expect(backend.getNodes()).rejects.toBeInstanceOf(UnavailableError);
  });

  test("hints at its changes once, also when it is replaced by another", async () => {
    await writeFile(file, "ws://a:1");
    let hints = 0;
    backend.watch(() => hints++);
    await writeFile(file, "ws://b:1");
    await writeFile(file, "ws://c:1");
    await expect.poll(() => hints).toBe(1);
    await writeFile(`${file}.new`, "ws://d:1");
    await rename(`${file}.new`, file);
    await expect.poll(() => hints).toBe(2);
    expect(await backend.getNodes()).toEqual([{ address: "ws://d:1" }]);
  });

  test("in a folder that is not there is watched in vain, and without an error", async () => {
    const nowhere = join(folder, "no/such/nodes.txt");
    const other = new FileDiscovery({ file: nowhere, clock: realClock, log: silentLog });
    expect(() => other.watch(() => undefined)).not.toThrow();
    await expect(other.getNodes()).rejects.toBeInstanceOf(UnavailableError);
    await other.close();
  });
});
