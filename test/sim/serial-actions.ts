/** What clients of serial calls do with a key, and what the judge of histories is told of it. */
import { encodeKey } from "../../src/tables/key.ts";
import { type Decision, ReservedKey } from "../../src/tables/serial/decisions.ts";
import { versionOf } from "../../src/tables/table-reads.ts";
import type { TableState } from "../../src/tables/table-state.ts";
import { encodeValue } from "../../src/tables/value.ts";
import type { Incarnation } from "./incarnation.ts";
import type { LinearAction, LinearResult } from "./linear.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SerialTable } from "./serial-scenario.ts";

/** A key, as one life sees it. */
export interface Target {
  readonly state: TableState;
  readonly key: string;
  readonly quorum: boolean;
  readonly reserved: ReservedKey;
  readonly resource: string;
}

/** What is to be done, and how. */
export interface Act {
  readonly action: LinearAction;
  readonly run: () => Decision<LinearResult>;
}

/** That key of that table. */
export function targetOf(life: Incarnation, table: SerialTable, name: string): Target {
  const state = life.declare(table);
  const { write, replica } = life.engine.tables;
  const key = encodeKey(name);
  const { quorum } = table;
  const reserved = new ReservedKey({ state, write, ids: replica.origins.ids, key, quorum });
  return { state, key, quorum, reserved, resource: `${state.id}|${key}` };
}

/** One act of any kind, with a value of its own. */
export function actOn(
  random: SeededRandom,
  of: { readonly life: Incarnation; readonly target: Target; readonly value: string },
): Act {
  const { life, target, value } = of;
  const encoded = encodeValue(value);
  const { reserved } = target;
  const share = random.float();
  if (share < 0.3) {
    return {
      action: { kind: "insert", value },
      run: () => {
        const { seq, result } = reserved.insertNew(encoded);
        return { seq, result: { wrote: result } };
      },
    };
  }
  if (share < 0.5) {
    return {
      action: { kind: "insert", value },
      run: () => {
        const { seq, result } = reserved.getOrInsert(() => encoded);
        const before = result.inserted ? null : String(result.value);
        return { seq, result: { wrote: result.inserted, before } };
      },
    };
  }
  const row = target.state.visible(target.key);
  if (share < 0.7 && row !== undefined) {
    const version = versionOf(life.engine.tables.replica.origins.ids, row);
    return {
      action: { kind: "replace", expected: String(row.read()), value },
      run: () => {
        const { seq, result } = reserved.replaceIf(version, encoded);
        return { seq, result: { wrote: result } };
      },
    };
  }
  const isRemoval = random.chance(0.6);
  return {
    action: { kind: "set", value: isRemoval ? null : value },
    run: () => {
      const { seq, result } = reserved.set(() => (isRemoval ? undefined : encoded));
      return { seq, result: { before: result === undefined ? null : String(result) } };
    },
  };
}
