/** Opens the message archives of users and of rooms on one database. */
import { InvalidOptionsError } from "../../errors.ts";
import type { Clock, Log, Random } from "../../runtime.ts";
import type { SqlDatabase } from "../../sql/database.ts";
import { type Tenure, UNMOVED } from "../contract/tenure.ts";
import type { WriteBehindLimits } from "../write-behind/options.ts";
import { ArchiveNames } from "./archive-names.ts";
import { MessageArchive } from "./message-archive.ts";
import { MessageIds, NODE_NUMBER_MAX } from "./message-ids.ts";
import { roomShape, userShape } from "./message-shape.ts";
import type {
  ArchiveOwner,
  RoomMessage,
  RoomMessageInput,
  UserMessage,
  UserMessageInput,
} from "./messages.ts";
import { ArchivePreferences, type Behaviour } from "./preferences.ts";
import { mamTables } from "./tables.ts";

export interface MessageArchivesOptions {
  /** Has been migrated. Closed by whoever opened it. */
  readonly database: SqlDatabase;
  /** This node's number, 1 to 255: no other that writes into the same database may have it. */
  readonly node: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The clock of ids, µs since 1970. Default: that of `clock`, which counts ms. */
  readonly nowUs?: () => bigint;
  /** Begins the names of the tables, as in the migrations. Default "skein_". */
  readonly tablePrefix?: string;
  /** Messages of a page, and the most that a look-up may ask for. 1 to 10,000. Default 50. */
  readonly pageSize?: number;
  /** Look-ups do not count unless they ask for it. Default false. */
  readonly isSimple?: boolean;
  /** Look-ups may search for text, and messages' texts are kept for it. Default true. */
  readonly hasTextSearch?: boolean;
  /** The most bytes of a packet. Default 1 MiB. */
  readonly packetBytesMax?: number;
  /** What is done for users who have set nothing. Default "always". */
  readonly defaultBehaviour?: Behaviour;
  /** Bounds of each of the two queues. Default: batches of 256 (SQLite: 2,048), else as for all. */
  readonly queue?: Partial<WriteBehindLimits>;
  /** Whether the rows of a server are here. Default: nobody moves them. */
  readonly tenures?: { readonly users: Tenure; readonly rooms: Tenure };
  /** A message that the database refused, and why; it was logged. */
  readonly onRefused?: (owner: ArchiveOwner, id: bigint, error: unknown) => void;
  /** A message that was set aside, and why; it was logged. See `MessageArchive.setAside`. */
  readonly onSetAside?: (owner: ArchiveOwner, id: bigint, error: unknown) => void;
}

/** Message archives: of users, of rooms, and what users want archived. */
export interface MessageArchives {
  readonly users: MessageArchive<UserMessageInput, UserMessage>;
  readonly rooms: MessageArchive<RoomMessageInput, RoomMessage>;
  readonly preferences: ArchivePreferences;
  /** Writes what is queued, for `timeoutMs` at most (10,000), and takes no more. */
  stop(timeoutMs?: number): Promise<void>;
}

const PACKET_BYTES_MAX = 1024 * 1024;
const PAGE_SIZE = 50;
const PAGE_SIZE_MAX = 10_000;
/** A power of four: a full batch is one statement on databases without arrays. */
const BATCH_ITEMS = 256;
/** Where only one writes at a time, more rows that meet in one page are worth more than turns. */
const LOCAL_BATCH_ITEMS = 2048;

/** @throws InvalidOptionsError */
export function openMessageArchives(options: MessageArchivesOptions): MessageArchives {
  checkOptions(options);
  const { database, clock, random, log, tenures = { users: UNMOVED, rooms: UNMOVED } } = options;
  const tables = mamTables(options.tablePrefix);
  const nowUs = options.nowUs ?? (() => BigInt(Math.floor(clock.wall() * 1000)));
  const namesOf = (kind: "u" | "r") =>
    new ArchiveNames({ database, clock, table: tables.archive, kind });
  const userNames = namesOf("u");
  const preferences = new ArchivePreferences({
    database,
    names: userNames,
    table: tables.preference,
    fallback: options.defaultBehaviour ?? "always",
    tenure: tenures.users,
  });
  const shared = {
    database,
    clock,
    random,
    log,
    nowUs,
    // One for both: the ids of a node differ, whatever the archive.
    ids: new MessageIds({ node: options.node, nowUs }),
    pageSize: options.pageSize ?? PAGE_SIZE,
    isSimple: options.isSimple ?? false,
    hasTextSearch: options.hasTextSearch ?? true,
    queue: {
      batchItems: database.traits.stopsThisThread ? LOCAL_BATCH_ITEMS : BATCH_ITEMS,
      ...options.queue,
    },
    onRefused: options.onRefused ?? (() => undefined),
    onSetAside: options.onSetAside ?? (() => undefined),
  };
  const packetBytesMax = options.packetBytesMax ?? PACKET_BYTES_MAX;
  const shape = { packetBytesMax, hasTextSearch: shared.hasTextSearch };
  const users = new MessageArchive({
    ...shared,
    preferences,
    tenure: tenures.users,
    names: userNames,
    shape: userShape(tables, shape),
  });
  const rooms = new MessageArchive({
    ...shared,
    preferences: undefined,
    tenure: tenures.rooms,
    names: namesOf("r"),
    shape: roomShape(tables, shape),
  });
  return {
    users,
    rooms,
    preferences,
    async stop(timeoutMs) {
      const ends = await Promise.allSettled([users.stop(timeoutMs), rooms.stop(timeoutMs)]);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    },
  };
}

function checkOptions(options: MessageArchivesOptions): void {
  const faults: string[] = [];
  const within = (name: string, given: number | undefined, most: number) => {
    if (given === undefined || (Number.isInteger(given) && given >= 1 && given <= most)) return;
    faults.push(`${name} is ${given}, allowed are integers from 1 to ${most}`);
  };
  within("node", options.node, NODE_NUMBER_MAX);
  within("pageSize", options.pageSize, PAGE_SIZE_MAX);
  within("packetBytesMax", options.packetBytesMax, 8 * PACKET_BYTES_MAX);
  within("queue.strikesMax", options.queue?.strikesMax, 1_000);
  within("queue.setAsideItems", options.queue?.setAsideItems, 100_000);
  if (!/^[a-z0-9_]{0,40}$/.test(options.tablePrefix ?? "")) {
    faults.push('tablePrefix is of other signs than a-z, 0-9 and "_", or longer than 40');
  }
  if (faults.length > 0) throw new InvalidOptionsError("message archives", faults);
}
