/**
 * The server's settings beside the machine that it runs on: advice, no more. The memory is known
 * only of a server on this host; elsewhere settings are compared with one another.
 */
import type { SqlDatabase } from "../../sql/database.ts";
import { numberOf, textOf } from "../../sql/row-values.ts";
import type { Finding } from "./finding.ts";

const MIB = 1024 * 1024;
/** A value of 16 MiB grows on its way by quoting. */
const PACKET_MIN = 32 * MIB;
const WORK_MEMORY_MIN = 4 * MIB;
const WAL_BUFFERS_MIN = 16 * MIB;
const CHECKPOINT_TARGET_MIN = 0.9;
/** Of the machine's memory, for what the server keeps itself: less than this is remarked upon. */
const CACHE_SHARE_MIN = 0.125;
const CACHE_SHARE = 0.25;

/** `memoryBytes`: of the server's machine; undefined if it is another one. */
export async function examineSettings(
  database: SqlDatabase,
  memoryBytes: number | undefined,
): Promise<readonly Finding[]> {
  if (database.dialect === "postgres") return ofPostgres(database, memoryBytes);
  if (database.dialect === "mysql") return ofMysql(database, memoryBytes);
  return [];
}

async function ofPostgres(
  database: SqlDatabase,
  memoryBytes: number | undefined,
): Promise<readonly Finding[]> {
  const rows = await database.query(
    `select name, setting, pg_size_bytes(setting || case unit when '8kB' then ' kB' else
       coalesce(' ' || unit, ' bytes') end) * case unit when '8kB' then 8 else 1 end as bytes
     from pg_settings where name in
       ('shared_buffers', 'effective_cache_size', 'work_mem', 'wal_buffers')`,
  );
  const bytes = new Map(rows.map((row) => [textOf(row.name), numberOf(row.bytes)]));
  const [row] = await database.query(
    "select current_setting('checkpoint_completion_target') as target",
  );
  const found: Finding[] = [];
  const shared = bytes.get("shared_buffers") ?? 0;
  const want = (name: string, least: number, value = least) => {
    const has = bytes.get(name) ?? 0;
    if (has < least) found.push(tooSmall(name, has, value));
  };
  if (memoryBytes !== undefined) {
    want("shared_buffers", memoryBytes * CACHE_SHARE_MIN, memoryBytes * CACHE_SHARE);
  }
  want("effective_cache_size", shared * 2, shared * 3);
  want("work_mem", WORK_MEMORY_MIN);
  want("wal_buffers", Math.min(WAL_BUFFERS_MIN, shared / 32), WAL_BUFFERS_MIN);
  const target = numberOf(row?.target);
  if (target < CHECKPOINT_TARGET_MIN) {
    found.push(
      advice(
        `checkpoint_completion_target is ${target}: checkpoints write in bursts`,
        `set checkpoint_completion_target = ${CHECKPOINT_TARGET_MIN}`,
      ),
    );
  }
  return found;
}

async function ofMysql(
  database: SqlDatabase,
  memoryBytes: number | undefined,
): Promise<readonly Finding[]> {
  const [row] = await database.query(
    "select @@innodb_buffer_pool_size as pool, @@max_allowed_packet as packet",
  );
  const found: Finding[] = [];
  const [pool, packet] = [numberOf(row?.pool), numberOf(row?.packet)];
  if (memoryBytes !== undefined && pool < memoryBytes * CACHE_SHARE_MIN) {
    found.push(tooSmall("innodb_buffer_pool_size", pool, memoryBytes * CACHE_SHARE));
  }
  if (packet < PACKET_MIN) found.push(tooSmall("max_allowed_packet", packet, PACKET_MIN));
  return found;
}

function tooSmall(name: string, has: number, wanted: number): Finding {
  const mib = (value: number) => `${Math.max(1, Math.round(value / MIB))} MB`;
  return advice(`${name} is ${mib(has)}, which is little`, `set ${name} = ${mib(wanted)}`);
}

function advice(text: string, action: string): Finding {
  return { check: "settings", level: "advice", text, action };
}
