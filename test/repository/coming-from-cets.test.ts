/** The page for those who come from CETS: it leaves nothing of CETS out and invents nothing here. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Node } from "../../src/node/node.ts";
import { BagTable } from "../../src/tables/bag-table.ts";
import { Table } from "../../src/tables/table.ts";

const page = readFileSync(new URL("../../doc/coming-from-cets.md", import.meta.url), "utf8");
const rows = page.split("\n").filter((line) => /^\| (?!CETS|\||-)/.test(line));

/** What version 0.3 of CETS exports for use by others, its options and its callbacks. */
const CETS = `start start_link stop insert insert_many delete delete_many delete_object delete_objects
  insert_new insert_new_or_lookup insert_serial insert_request delete_request wait_response dump
  remote_dump send_dump table_name other_nodes other_pids get_nodes_request pause unpause get_leader
  set_leader ping ping_all info type keypos handle_down handle_conflict handle_wrong_leader join
  backend_module get_nodes disco_file add_table delete_table get_tables system_info wait_for_ready
  wait_for_get_nodes cets_ping cets_ack cets_long cets_call cets_metadata cets_dist_blocker`;

it("every function, option, callback and module of CETS is on the page", () => {
  const first = rows.map((row) => row.split(" | ")[0]).join("\n");
  const missing = CETS.split(/\s+/).filter((name) => !new RegExp(`\\b${name}\\b`).test(first));
  expect(missing).toEqual([]);
});

it("every call that it names as a counterpart exists", () => {
  const known = new Set(
    [Node, Table, BagTable].flatMap((each) => Object.getOwnPropertyNames(each.prototype)),
  );
  // Options and functions of the language.
  for (const name of ["merge", "onConflict", "getNodes"]) known.add(name);
  const named = rows.flatMap((row) =>
    [...(row.split(" | ")[1] ?? "").matchAll(/`(?:[a-z]+\.)?([a-zA-Z]+)\(/g)].map(
      ([, name]) => name,
    ),
  );
  expect(named.length).toBeGreaterThan(30);
  expect([...new Set(named)].filter((name) => name === undefined || !known.has(name))).toEqual([]);
});
