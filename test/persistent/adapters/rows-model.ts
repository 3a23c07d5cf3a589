/** The model of `keyval`, `map` and `keyval+`: a Map of Maps, and random calls on both. */
import { deepStrictEqual } from "node:assert";
import fc from "fast-check";
import { collect } from "../../../src/persistent/conformance/trial.ts";
import { compareBytes } from "../../../src/persistent/contract/byte-order.ts";
import { StoreOpener } from "../../../src/persistent/fronts/open-store.ts";
import type { StoreAdapter, StoreValue, User } from "../../../src/persistent.ts";
import { storeValue } from "../contract/values.ts";

/** Names that are easily confused. */
const user = fc.constantFrom<User>(null, "romeo", "Romeo", "roméo", "romeo ");
const key = fc.constantFrom(
  "k",
  "K",
  "k ",
  "é",
  "e\u0301",
  `${"k".repeat(201)}a`,
  `${"k".repeat(201)}b`,
);
const changes = fc
  .array(fc.tuple(key, fc.option(storeValue, { nil: undefined })), { maxLength: 5 })
  .map((entries) => new Map(entries));

type Call =
  | { kind: "value"; user: User; value: StoreValue | undefined }
  | { kind: "set"; user: User; key: string; value: StoreValue | undefined }
  | { kind: "setKeys"; user: User; changes: Map<string, StoreValue | undefined> }
  | { kind: "replace"; user: User; changes: Map<string, StoreValue | undefined> }
  | { kind: "deleteAll"; key: string };

const value = fc.option(storeValue, { nil: undefined });
const call: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ kind: fc.constant("value" as const), user, value }),
  fc.record({ kind: fc.constant("set" as const), user, key, value }),
  fc.record({ kind: fc.constant("setKeys" as const), user, changes }),
  fc.record({ kind: fc.constant("replace" as const), user, changes }),
  fc.record({ kind: fc.constant("deleteAll" as const), key }),
);

type Rows = Map<User, Map<string, StoreValue>>;
let hosts = 0;

/** Random calls on the adapter and on plain Maps: what is read afterwards is the same. */
export async function rowsModel(adapter: StoreAdapter, rounds: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 12 }), async (calls) => {
      const host = `rows-${process.pid}-${++hosts}.example`;
      const opener = new StoreOpener(adapter);
      const values = await opener.keyval<StoreValue>({ host, name: "values" });
      const map = await opener.map<StoreValue>({ host, name: "rows" });
      const plus = await opener.keyvalPlus<StoreValue>({ host, name: "rows" });
      const model = { values: new Map<User, StoreValue>(), rows: new Map() as Rows };
      for (const each of calls) {
        switch (each.kind) {
          case "value":
            await values.set(each.user, each.value);
            put(model.values, each.user, each.value);
            break;
          case "set":
            await map.set(each.user, each.key, each.value);
            put(rowsOf(model.rows, each.user), each.key, each.value);
            break;
          case "setKeys":
            await plus.setKeys(each.user, each.changes);
            for (const [key, value] of each.changes) put(rowsOf(model.rows, each.user), key, value);
            break;
          case "replace": {
            const whole = new Map<string, StoreValue>();
            for (const [key, value] of each.changes) put(whole, key, value);
            await plus.set(each.user, whole);
            model.rows.set(each.user, whole);
            break;
          }
          case "deleteAll": {
            let count = 0;
            for (const rows of model.rows.values()) if (rows.delete(each.key)) count++;
            deepStrictEqual(await map.deleteAll(each.key), count);
            break;
          }
        }
      }
      for (const name of [null, "romeo", "Romeo", "roméo", "romeo "]) {
        deepStrictEqual(await values.get(name), model.values.get(name));
        const rows = [...(model.rows.get(name) ?? [])].sort(([a], [b]) => compareBytes(a, b));
        deepStrictEqual([...((await plus.get(name)) ?? [])], rows);
      }
      const having = [...model.rows].filter(([, rows]) => rows.size > 0).map(([name]) => name);
      deepStrictEqual(await collect(map.users()), having.filter(isUser).sort(compareBytes));
      const named = [...model.values.keys()].filter(isUser).sort(compareBytes);
      deepStrictEqual(await collect(values.users()), named);
      const all = [...model.rows].filter(([, rows]) => rows.has("k"));
      all.sort(([a], [b]) => compareBytes(a ?? "", b ?? ""));
      deepStrictEqual(
        await collect(map.getAll("k")),
        all.map(([name, rows]) => [name, rows.get("k")]),
      );
    }),
    { numRuns: rounds },
  );
}

function isUser(name: User): name is string {
  return name !== null;
}

function rowsOf(rows: Rows, name: User): Map<string, StoreValue> {
  const found = rows.get(name) ?? new Map<string, StoreValue>();
  rows.set(name, found);
  return found;
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
