/** What a selection of archived items is in SQL. */
import type { SqlTraits, SqlValue } from "../../../sql/dialect.ts";
import { type Condition, inList } from "../../../sql/in-list.ts";
import type { Selection } from "../../contract/driver.ts";

/** Conditions behind those on the store and the user, each with " and " in front. */
export function selectionText(traits: SqlTraits, selection: Selection): Condition {
  let text = "";
  const params: SqlValue[] = [];
  const add = (condition: string, value: SqlValue | undefined) => {
    if (value === undefined) return;
    text += ` and ${condition}`;
    params.push(value);
  };
  const { keys } = selection;
  if (keys?.length === 1) add("item_key = ?", keys[0]);
  else if (keys !== undefined) {
    const some = inList(traits, "item_key", "text", keys);
    text += ` and ${some.text}`;
    params.push(...some.params);
  }
  add("peer = ?", selection.with);
  add("at_us >= ?", selection.start);
  add("at_us <= ?", selection.end);
  add("sort_id > ?", selection.after);
  add("sort_id < ?", selection.before);
  return { text, params };
}
