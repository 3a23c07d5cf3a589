/** Abort signals that outlive the calls they are given to, as those of a whole server do. */
import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { AbortedError, type Table } from "../../src/index.ts";
import { startedNodes } from "./started-nodes.ts";

const started = startedNodes();

async function prepared() {
  const [node] = await started.startAll("a", "b");
  const table = node?.table("claims", { lifetime: "cluster" }) as Table<string>;
  const abort = new AbortController();
  return { table, abort, listeners: () => getEventListeners(abort.signal, "abort").length };
}

describe("a signal", () => {
  it("is not listened to any more once the calls it was given to are over", async () => {
    const { table, abort, listeners } = await prepared();
    const { signal } = abort;
    const watch = table.watch({ signal });
    expect(listeners()).toBe(1);
    const calls = [
      table.set("k", "set", { signal }),
      table.insertNew("l", "inserted", { signal }),
      table.withKey("m", () => "held", { signal }),
      table.replaceIf("k", "no version", "replaced", { signal }),
    ];
    await Promise.allSettled(calls);
    watch.stop();
    expect(listeners()).toBe(0);
    abort.abort();
    expect(await calls[2]).toBe("held");
  });

  it("that fires ends what still waits, and is not listened to after that", async () => {
    const { table, abort, listeners } = await prepared();
    const { signal } = abort;
    const watch = table.watch({ signal });
    let inside: (() => void) | undefined;
    const entered = new Promise<void>((resolve) => {
      inside = resolve;
    });
    const forEver = (): Promise<never> => {
      inside?.();
      return new Promise(() => {});
    };
    const held = table.withKey("k", forEver, { signal });
    const second = table.withKey("k", () => "second", { signal });
    await entered;
    abort.abort();
    await expect(held).rejects.toMatchObject({ cause: { code: "ERR_SKEIN_ABORTED" } });
    await expect(second).rejects.toThrow(AbortedError);
    expect(await watch.next()).toMatchObject({ done: true });
    expect(listeners()).toBe(0);
  });

  it("leaves no rejection behind that would end the process, awaited or not", async () => {
    const { table, abort } = await prepared();
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    abort.abort();
    void table.set("k", "set", { signal: abort.signal });
    void table.insertNew("k", "inserted", { signal: abort.signal });
    void table.withKey("k", () => "held", { signal: abort.signal });
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
