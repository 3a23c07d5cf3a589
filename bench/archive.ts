/**
 * Message archives: a million messages of a thousand users are written behind the caller's back,
 * then pages of all sorts are read, with and without counts; beside SQL by hand on the same table.
 */
import { type ArchiveOwner, type MessageLookup, openStores } from "../src/persistent.ts";
import { type BareRow, type BareSql, type BenchDatabase, openBenchDatabases } from "./bare-sql.ts";
import { Figures, show } from "./figure.ts";
import { type Sheet, times } from "./format.ts";
import { median } from "./latency.ts";
import { type Pair, pairSheet, runPairs } from "./pairs.ts";
import type { Progress, Settings } from "./progress.ts";
import type { Report } from "./report.ts";

const USERS = 1_000;
const MESSAGES = 1_000_000;
const QUICK_MESSAGES = 20_000;
const CHUNKS = 10;
const PAGE = 50;
/** Rows of one statement by hand, as many as Skein's queue writes at once. */
const BATCH = 256;
/** Archives that are written by hand are beyond all others. */
const BARE_ARCHIVE = 1_000_000n;
const BARE = "by hand";
const COLUMNS =
  "archive_id, id, remote_bare, remote_res, from_jid, direction, is_groupchat, origin_id, message, search_body";
const TYPES = [
  "bigint",
  "bigint",
  "text",
  "text",
  "text",
  "text",
  "smallint",
  "text",
  "text",
  "text",
];
const WORDS =
  "it is the lark the herald of the morn no nightingale look love what envious streaks".split(" ");

/** Runs everything. Stops all it has started, whatever happens. */
export async function benchArchive(settings: Settings, progress: Progress): Promise<Report> {
  const databases = await openBenchDatabases();
  const figures = new Figures("archive");
  const sheets: Sheet[] = [];
  try {
    for (const [at, database] of databases.entries()) {
      sheets.push(
        ...(await benchDatabase(database, figures, settings, (doing, share) =>
          progress(`${database.name}: ${doing}`, (at + share) / databases.length),
        )),
      );
    }
  } finally {
    await Promise.all(databases.map((database) => database.stop()));
  }
  return { name: "archive", notes: notes(settings), sheets, behind: [], figures: figures.list };
}

async function benchDatabase(
  database: BenchDatabase,
  figures: Figures,
  settings: Settings,
  progress: Progress,
): Promise<Sheet[]> {
  const stores = await openStores({
    storage: "main",
    connections: { main: { adapter: "sql", url: database.url } },
  });
  const bare = await database.connect();
  const prefix = database.name.toLowerCase();
  try {
    const { users } = await stores.messageArchives({ node: 1, pageSize: PAGE });
    const messages = settings.quick ? QUICK_MESSAGES : MESSAGES;
    const rates = { skein: [] as number[], bare: [] as number[] };
    const hasArrays = database.name === "PostgreSQL";
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      progress("writing", (chunk / CHUNKS) * 0.5);
      const count = messages / CHUNKS;
      const start = performance.now();
      for (let at = 0; at < count; at++) {
        const number = chunk * count + at;
        await users.add(ownerOf(number % USERS), messageOf(number));
      }
      await users.sync();
      rates.skein.push((count * 1000) / (performance.now() - start));
      rates.bare.push(
        await writeByHand(bare, { hasArrays, first: chunk * count, count: count / 10 }),
      );
    }
    const pairs = await makePairs(users, bare);
    const outcomes = await runPairs(pairs, settings, (doing, share) => {
      progress(doing, 0.5 + share / 2);
    });
    figures.add({ case: `${prefix}-write`, side: "Skein" }, { rate: rates.skein });
    figures.add({ case: `${prefix}-write`, side: BARE }, { rate: rates.bare });
    return [
      writeSheet(database.name, rates),
      pairSheet(figures, outcomes, {
        caption: `${database.name}: pages of ${PAGE}, messages per second`,
        prefix,
        bare: BARE,
      }),
    ];
  } finally {
    await bare.close();
    await stores.close();
  }
}

/** What reads pages; the type of `users` of `stores.messageArchives`. */
interface Users {
  find(
    owner: ArchiveOwner,
    lookup: MessageLookup,
  ): Promise<{ readonly messages: readonly { readonly id: bigint }[] }>;
}

/** A page by hand: its conditions, and those of its counts. */
interface ByHand {
  readonly where: string;
  readonly params: readonly unknown[];
  readonly order: string;
}

async function makePairs(users: Users, bare: BareSql): Promise<Pair[]> {
  const [row] = await bare.query(
    "select count(*) as number from skein_mam_message where archive_id = ?",
    [await archiveOf(bare, ownerOf(0))],
  );
  const size = Number(row?.number);
  const [middle] = (await users.find(ownerOf(0), { page: { index: size >> 1, max: 1 } })).messages;
  const id = middle?.id ?? 0n;
  const forms: readonly { id: string; label: string; lookup: MessageLookup; hand: ByHand }[] = [
    {
      id: "first",
      label: "the first page",
      lookup: {},
      hand: { where: "", params: [], order: "" },
    },
    {
      id: "last",
      label: "the last page",
      lookup: { page: { before: "end" } },
      hand: { where: "", params: [], order: "desc" },
    },
    {
      id: "middle",
      label: "the page in the middle, by its number",
      lookup: { page: { index: size >> 1 } },
      hand: { where: "", params: [], order: `offset ${size >> 1}` },
    },
    {
      id: "after",
      label: "the page behind a message",
      lookup: { page: { after: id } },
      hand: { where: "and id > ?", params: [id], order: "" },
    },
    {
      id: "with",
      label: "the last page with one correspondent",
      lookup: { with: "peer-3@example.org", page: { before: "end" } },
      hand: { where: "and remote_bare = ?", params: ["peer-3@example.org"], order: "desc" },
    },
    {
      id: "text",
      label: "the last page of a word of one message in a hundred",
      lookup: { text: "verona", page: { before: "end" } },
      hand: { where: "and search_body like ?", params: ["%verona%"], order: "desc" },
    },
  ];
  const owner = ownerOf(0);
  const archive = await archiveOf(bare, owner);
  return forms.flatMap(({ id: name, label, lookup, hand }) =>
    [true, false].map((isSimple) => ({
      id: isSimple ? name : `${name}-counted`,
      label: isSimple ? label : `${label}, counted`,
      rows: PAGE,
      skein: () => users.find(owner, { ...lookup, isSimple }),
      bare: () => pageByHand(bare, archive, hand, isSimple),
    })),
  );
}

async function pageByHand(bare: BareSql, archive: bigint, hand: ByHand, isSimple: boolean) {
  const [order, offset] = hand.order.startsWith("offset") ? ["", hand.order] : [hand.order, ""];
  const rows = await bare.query(
    `select ${COLUMNS}, retracted_us from skein_mam_message where archive_id = ? ${hand.where} ` +
      `order by id ${order} limit ${PAGE + 1} ${offset}`,
    [archive, ...hand.params],
  );
  const messages = rows.map(messageByHand);
  if (isSimple) return messages;
  // The count of all, and of what is in front of the page.
  const filter = hand.where.includes("id >") ? { where: "", params: [] } : hand;
  const count = `select count(*) as number from skein_mam_message where archive_id = ? ${filter.where}`;
  const [total] = await bare.query(count, [archive, ...filter.params]);
  const first = messages.at(order === "desc" ? -1 : 0)?.id ?? 0n;
  const [offsetOf] = await bare.query(`${count} and id < ?`, [archive, ...filter.params, first]);
  return { messages, total: Number(total?.number), offset: Number(offsetOf?.number) };
}

function messageByHand(row: BareRow) {
  return {
    id: BigInt(String(row.id)),
    with: `${String(row.remote_bare)}/${String(row.remote_res)}`,
    from: String(row.from_jid),
    direction: String(row.direction),
    isGroupchat: Number(row.is_groupchat) === 1,
    originId: row.origin_id,
    packet: String(row.message),
    retractedAt: row.retracted_us,
  };
}

async function writeByHand(
  bare: BareSql,
  { hasArrays, first, count }: { hasArrays: boolean; first: number; count: number },
): Promise<number> {
  const lists = new Array(BATCH).fill(`(${TYPES.map(() => "?").join(", ")})`).join(", ");
  const arrays = TYPES.map((type) => `?::${type}[]`).join(", ");
  const source = hasArrays ? `select * from unnest(${arrays})` : `values ${lists}`;
  const text = `insert into skein_mam_message (${COLUMNS}) ${source}`;
  const start = performance.now();
  let written = 0;
  while (written < count) {
    const rows = Array.from({ length: BATCH }, (_, at) => {
      const number = first + written + at;
      const { with: remote, originId, packet, text: body } = messageOf(number);
      const [bareAddress = "", resource = ""] = remote.split("/");
      const archive = BARE_ARCHIVE + BigInt(number % USERS);
      const id = BigInt(number) << 8n;
      return [
        archive,
        id,
        bareAddress,
        resource,
        remote,
        "I",
        0n,
        originId,
        packet,
        body.toLowerCase(),
      ];
    });
    const columns = TYPES.map((_, column) => rows.map((row) => row[column]));
    await bare.query(text, hasArrays ? columns : rows.flat());
    written += BATCH;
  }
  return (written * 1000) / (performance.now() - start);
}

async function archiveOf(bare: BareSql, { server, name }: ArchiveOwner): Promise<bigint> {
  const [row] = await bare.query(
    "select id from skein_mam_archive where kind = 'u' and server = ? and name = ?",
    [server, name],
  );
  return BigInt(String(row?.id));
}

function writeSheet(name: string, rates: { skein: number[]; bare: number[] }): Sheet {
  return {
    caption: `${name}: messages written per second`,
    head: ["Skein, behind the caller", `${BARE}, ${BATCH} in a statement`, "time"],
    rows: [
      [
        show("rate", median(rates.skein)),
        show("rate", median(rates.bare)),
        times(median(rates.bare) / median(rates.skein)),
      ],
    ],
  };
}

function notes(settings: Settings): string[] {
  const messages = (settings.quick ? QUICK_MESSAGES : MESSAGES).toLocaleString("en");
  return [
    `${messages} messages of ${USERS.toLocaleString("en")} users, ten correspondents each, texts of ` +
      "16 words, in ten parts; after each as many tenths by hand. Then pages of one user, one " +
      "caller, in turns. CPU is that of this process.",
    '"By hand" is the driver alone on one connection, prepared, with the number of the archive at hand ' +
      "and what is counted asked one after the other. PostgreSQL has its index for text search if " +
      "pg_trgm is installed; it is kept up to date on both sides.",
  ];
}

function ownerOf(user: number): ArchiveOwner {
  return { server: "example.com", name: `user-${user}` };
}

function messageOf(number: number) {
  const turn = Math.floor(number / USERS);
  const remote = `peer-${turn % 10}@example.org/phone`;
  const words = Array.from({ length: 16 }, (_, at) => WORDS[(number * 7 + at * 5) % WORDS.length]);
  const text = `${words.join(" ")}${turn % 100 === 7 ? " verona" : ""}`;
  return {
    with: remote,
    from: remote,
    direction: "in",
    originId: `origin-${number}`,
    packet: `<message id="m${number}" from="${remote}" type="chat"><body>${text}</body></message>`,
    text,
  } as const;
}
