/** `none` and `null`, as Prosody has them. */
import { describe, expect, it } from "vitest";
import { DisabledError, UnsupportedError } from "../../../src/errors.ts";
import { NoneAdapter } from "../../../src/persistent/adapters/none/none-adapter.ts";
import { NullAdapter } from "../../../src/persistent/adapters/null/null-adapter.ts";
import { collect } from "../../../src/persistent/conformance/trial.ts";
import { StoreOpener } from "../../../src/persistent/fronts/open-store.ts";

const settings = { host: "example", name: "roster" };
const item = { when: 1n, value: 1 };

describe('the adapter "none"', () => {
  const none = new StoreOpener(new NoneAdapter());

  it("has keyval and archive only", async () => {
    await expect(none.map(settings)).rejects.toThrow(UnsupportedError);
    await expect(none.keyvalPlus(settings)).rejects.toThrow(/it has keyval, archive/);
  });

  it("reads an empty object and refuses to write", async () => {
    const store = await none.keyval(settings);
    expect(await store.get("user")).toEqual({});
    await expect(store.set("user", 1)).rejects.toThrow(DisabledError);
    await expect(collect(store.users())).rejects.toThrow(UnsupportedError);
  });

  it("finds nothing in archives, deletes nothing with success, and refuses to append", async () => {
    const store = await none.archive(settings);
    const empty = { items: [], isLast: true, total: 0 };
    expect(await store.find("user", { total: true, after: "any" })).toEqual(empty);
    expect(await collect(store.iterate("user"))).toEqual([]);
    expect(await store.delete("user")).toBe(0);
    expect(await store.truncate("user", 0)).toBe(0);
    expect(await store.get("user", "k")).toBe(undefined);
    await expect(store.append("user", item)).rejects.toThrow(/storage disabled: .*"roster"/);
    await expect(store.set("user", "k", { value: 1 })).rejects.toThrow(DisabledError);
  });

  it("purges with success", async () => {
    await new NoneAdapter().purge();
  });
});

describe('the adapter "null"', () => {
  const adapter = new NullAdapter();
  const opener = new StoreOpener(adapter);

  it("opens every kind and refuses every call", async () => {
    const values = await opener.keyval(settings);
    const rows = await opener.map(settings);
    const whole = await opener.keyvalPlus(settings);
    const items = await opener.archive(settings);
    const calls = [
      () => values.get("user"),
      () => values.set("user", undefined),
      () => collect(values.users()),
      () => rows.get("user", "k"),
      () => rows.setKeys("user", new Map([["k", 1]])),
      () => collect(rows.getAll("k")),
      () => rows.deleteAll("k"),
      () => whole.get("user"),
      () => whole.set("user", undefined),
      () => items.append("user", item),
      () => items.find("user"),
      () => items.get("user", "k"),
      () => items.set("user", "k", { value: 1 }),
      () => items.delete("user"),
      () => items.truncate("user", 1),
      () => items.summary("user"),
      () => collect(items.users()),
      () => adapter.purge(),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toThrow(DisabledError);
      await expect(call()).rejects.toThrow("no data storage active");
    }
  });
});
