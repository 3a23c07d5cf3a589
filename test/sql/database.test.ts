import { expect, test } from "vitest";
import { Batch } from "../../src/sql/batch.ts";
import type { SqlDatabase, SqlSession } from "../../src/sql/database.ts";
import type { SqlRow } from "../../src/sql/dialect.ts";
import { bigintOf, numberOf, textOf } from "../../src/sql/row-values.ts";
import { Opener, onEveryDatabase, onEveryServer, type Place, until } from "./fixture.ts";

onEveryDatabase((place) => {
  const opener = new Opener();
  statements(place, opener);
  transactions(place, opener);
});

onEveryServer((place) => {
  const opener = new Opener();
  test("a statement of its own that was chosen to end a deadlock is tried again", async () => {
    const database = await opened(place, opener);
    for (const name of ["a", "b", "c", "d", "e"]) await database.execute(INSERT, [name, 1n, ""]);
    const add = "update item set amount = amount + 1 where name";
    let both: Promise<number> | undefined;
    await database.transact(async (tx) => {
      // It has changed more rows, so that MariaDB gives the other one up.
      await tx.execute(`${add} >= ?`, ["b"]);
      both ??= database.execute(`${add} in (?, ?)`, ["a", "b"]);
      const held = "select name from item where name = 'a' for update skip locked";
      // PostgreSQL gives up who looks first: this one, if it began to wait a second later. Then the
      // other is through when this one is tried again.
      if (tx.attempt === 0) await until(async () => (await database.query(held)).length === 0);
      await tx.execute(`${add} = ?`, ["a"]);
    });
    expect(await both).toBe(2);
    const rows = await database.query("select amount from item order by name");
    expect(rows.map(({ amount }) => amount)).toEqual([3n, 3n, 2n, 2n, 2n]);
  });
});

async function table(session: SqlSession): Promise<void> {
  const { traits } = session;
  await session.execute(
    `create table item (name ${traits.bytewiseText(255)} not null primary key,
      amount bigint, body ${traits.longText}) ${traits.createTableTail}`,
  );
}

async function opened(place: Place, opener: Opener): Promise<SqlDatabase> {
  const database = await opener.open({ database: await place.newDatabase() });
  await table(database);
  return database;
}

const INSERT = "insert into item (name, amount, body) values (?, ?, ?)";

function statements(place: Place, opener: Opener): void {
  test("values come back as they went, integers as bigints", async () => {
    const database = await opened(place, opener);
    const body = "quote ' \\ \u{1f600} \r\n";
    expect(await database.execute(INSERT, ["a", 9_007_199_254_740_993n, body])).toBe(1);
    const [row] = await database.query("select name, amount, body from item where name = ?", ["a"]);
    expect(textOf(row?.name)).toBe("a");
    expect(row?.amount).toBe(9_007_199_254_740_993n);
    expect(textOf(row?.body)).toBe(body);
    const [count] = await database.query("select count(*) as n, 1 as one from item");
    expect([bigintOf(count?.n), count?.one]).toEqual([1n, 1n]);
  });

  test("the first row is given, or undefined, and its connection goes on to later data", async () => {
    const database = await opened(place, opener);
    const first = "select name, amount from item where amount > ? order by name";
    expect(await database.first(first, [0n])).toBe(undefined);
    for (const name of ["b", "a", "c"]) await database.execute(INSERT, [name, 1n, ""]);
    const found = await database.first(first, [0n]);
    expect([textOf(found?.name), found?.amount]).toEqual(["a", 1n]);
    await database.execute(INSERT, ["0", 2n, ""]);
    await database.transact(async (tx) => {
      expect(textOf((await tx.first(first, [0n]))?.name)).toBe("0");
    });
    expect(await database.query(first, [0n])).toHaveLength(4);
  });

  test("a statement that is sent without a promise tells its receiver, whatever happens", async () => {
    const database = await opened(place, opener);
    const send = <T>(text: string, pick: (rows: readonly SqlRow[], changes: number) => T) =>
      new Promise<T>((resolve, reject) => {
        const question = { text, isFirst: false, pick };
        database.send(question, ["a"], { resolve, reject });
      });
    const insert = "insert into item (name, amount, body) values (?, 1, '')";
    expect(await send(insert, (_, changes) => changes)).toBe(1);
    await expect(send(insert, () => 0)).rejects.toThrow();
    const select = "select amount from item where name = ?";
    expect(await send(select, (rows) => rows)).toEqual([{ amount: 1n }]);
    const unexpected = () => {
      throw new RangeError("mine");
    };
    await expect(send(select, unexpected)).rejects.toThrow(RangeError);
    await expect(send("select 1", () => 0)).rejects.toThrow("0 placeholders");
    expect(await send(select, (rows) => rows.length)).toBe(1);
  });

  test("text is compared byte by byte: case, accents and spaces at the end count", async () => {
    const database = await opened(place, opener);
    const names = ["a", "A", "a ", "\u00e4", "a\u0308", "\u{1f600}", "\uffee", "b"];
    for (const name of names) await database.execute(INSERT, [name, 1n, ""]);
    const rows = await database.query("select name from item order by name");
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(rows.map((row) => textOf(row.name))).toEqual(sorted);
    expect(await database.execute("delete from item where name = ?", ["A"])).toBe(1);
  });

  test("a wrong number of values is refused, not taken for NULLs", async () => {
    const database = await opened(place, opener);
    await expect(database.execute(INSERT, ["a", 1n])).rejects.toThrow("3 placeholders");
    await expect(database.query("select '?' as x, ? as y", [])).rejects.toThrow("1 placeholder");
  });

  test("a key that is there is told from other faults, and the connection lives", async () => {
    const database = await opened(place, opener);
    await database.execute(INSERT, ["a", 1n, ""]);
    const again: unknown = await database.execute(INSERT, ["a", 1n, ""]).catch((e: unknown) => e);
    expect(database.traits.isDuplicate(again)).toBe(true);
    const missing: unknown = await database.query("select 1 from nowhere").catch((e: unknown) => e);
    expect(database.traits.isMissingTable(missing)).toBe(true);
    expect(missing).toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    expect(database.stats().lost).toBe(0);
  });

  test("the database's clock is near ours, in whole microseconds", async () => {
    const database = await opened(place, opener);
    const { nowMs, nowUs } = database.traits;
    const [row] = await database.query(`select ${nowMs} as ms, ${nowUs} as us`);
    expect(Math.abs(numberOf(row?.ms) - Date.now())).toBeLessThan(5000);
    expect(Math.abs(numberOf(row?.us) / 1000 - Date.now())).toBeLessThan(5000);
  });

  test.each([1, 3, 5, 101, 1000, 1025, 2345])(
    "a batch of %i rows is inserted and updated",
    async (size) => {
      const database = await opened(place, opener);
      const batch = new Batch(database.traits, {
        table: "item",
        columns: [
          { name: "name", type: "text" },
          { name: "amount", type: "bigint" },
          { name: "body", type: "text" },
        ],
        onConflict: { key: ["name"], update: ["amount", "body"] },
      });
      const rows = (body: string) =>
        Array.from({ length: size }, (_, at) => [`n${at}`, BigInt(at), at % 7 === 0 ? null : body]);
      await database.transact((tx) => batch.run(tx, rows('{"x": "a,b\\\\"}')));
      await database.transact((tx) => batch.run(tx, rows("two")));
      const [row] = await database.query(
        "select count(*) as n, sum(amount) as total, min(body) as body from item",
      );
      expect(numberOf(row?.n)).toBe(size);
      expect(BigInt(String(row?.total))).toBe((BigInt(size) * BigInt(size - 1)) / 2n);
      expect(row?.body === null ? null : textOf(row?.body)).toBe(size === 1 ? null : "two");
    },
  );

  test("a batch has no more rows in a statement than it is told", async () => {
    const database = await opened(place, opener);
    const columns = [{ name: "name", type: "text" }] as const;
    const key = { key: ["name"], update: "ignore" } as const;
    const batch = new Batch(database.traits, { table: "item", columns, onConflict: key });
    const rows = Array.from({ length: 100 }, (_, at) => [`n${at}`]);
    const before = database.stats().statements;
    await batch.run(database, rows, 30);
    expect(database.stats().statements - before).toBe(4);
    const [row] = await database.query("select count(*) as n from item");
    expect(numberOf(row?.n)).toBe(100);
  });
}

function transactions(place: Place, opener: Opener): void {
  test("a transaction that fails leaves nothing, and its hooks are not called", async () => {
    const database = await opened(place, opener);
    let hooks = 0;
    const failed = database.transact(async (tx) => {
      await tx.execute(INSERT, ["a", 1n, ""]);
      tx.afterCommit(() => hooks++);
      throw new RangeError("mine");
    });
    await expect(failed).rejects.toThrow(RangeError);
    expect(await database.query("select name from item")).toEqual([]);
    expect(hooks).toBe(0);
  });

  test("an inner transaction joins the outer one, and its failure cannot be swallowed", async () => {
    const database = await opened(place, opener);
    const seen: string[] = [];
    await database.transact(async (tx) => {
      await tx.transact(async (inner) => {
        await inner.execute(INSERT, ["a", 1n, ""]);
        inner.afterCommit(() => seen.push("inner"));
      });
      tx.afterCommit(() => seen.push("outer"));
    });
    expect(seen).toEqual(["inner", "outer"]);
    const swallowed = database.transact(async (tx) => {
      await tx.execute(INSERT, ["b", 1n, ""]);
      await tx
        .transact(async () => {
          throw new RangeError("mine");
        })
        .catch(() => undefined);
    });
    await expect(swallowed).rejects.toThrow(RangeError);
    expect(await database.query("select name from item")).toHaveLength(1);
  });

  test("a statement that failed cannot be swallowed either", async () => {
    const database = await opened(place, opener);
    const swallowed = database.transact(async (tx) => {
      await tx.execute(INSERT, ["a", 1n, ""]);
      await tx.execute(INSERT, ["a", 1n, ""]).catch(() => undefined);
    });
    const error: unknown = await swallowed.catch((failure: unknown) => failure);
    expect(database.traits.isDuplicate(error)).toBe(true);
    expect(await database.query("select name from item")).toEqual([]);
  });

  test("a statement after the end of its transaction is refused", async () => {
    const database = await opened(place, opener);
    let leaked: SqlSession | undefined;
    await database.transact(async (tx) => {
      leaked = tx;
    });
    await expect(leaked?.execute(INSERT, ["a", 1n, ""])).rejects.toThrow("had ended");
  });

  test("20 transactions that read and add lose no addition", async () => {
    const database = await opened(place, opener);
    await database.execute(INSERT, ["sum", 0n, ""]);
    const { dialect } = database;
    const lock = dialect === "sqlite" ? "" : " for update";
    await Promise.all(
      Array.from({ length: 20 }, () =>
        database.transact(async (tx) => {
          const [row] = await tx.query(`select amount from item where name = ?${lock}`, ["sum"]);
          await tx.execute("update item set amount = ? where name = ?", [
            bigintOf(row?.amount) + 1n,
            "sum",
          ]);
        }),
      ),
    );
    const [row] = await database.query("select amount from item");
    expect(row?.amount).toBe(20n);
    expect(database.stats()).toMatchObject({ commits: 20, waiting: 0 });
  });

  test("a transaction that lost its race is tried again as a whole", async () => {
    const url = await place.newDatabase();
    const [one, two] = [await opener.open({ database: url }), await opener.open({ database: url })];
    await table(one);
    await one.execute(INSERT, ["a", 0n, ""]);
    await one.execute(INSERT, ["b", 0n, ""]);
    // Each takes its first row, then both want the other's; a file has one writer at a time.
    let first = 0;
    const add = (database: SqlDatabase, names: readonly string[]) =>
      database.transact(async (tx) => {
        for (const name of names) {
          await tx.execute("update item set amount = amount + 1 where name = ?", [name]);
          if (tx.attempt > 0 || database.dialect === "sqlite") continue;
          first++;
          await until(() => first >= 2);
        }
      });
    await Promise.all([add(one, ["a", "b"]), add(two, ["b", "a"])]);
    const rows = await one.query("select amount from item");
    expect(rows.map((row) => row.amount)).toEqual([2n, 2n]);
    expect(one.stats().retries + two.stats().retries).toBeGreaterThan(0);
  });

  test("retries that are used up are a typed error, and nothing was changed", async () => {
    const url = await place.newDatabase();
    const [one, two] = [await opener.open({ database: url }), await opener.open({ database: url })];
    await table(one);
    await one.execute(INSERT, ["a", 0n, ""]);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let isHeld: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    const holder = one.transact(async (tx) => {
      await tx.execute("update item set amount = 5");
      isHeld();
      await held;
    });
    await begun;
    const isFile = two.dialect === "sqlite";
    const loser = two.transact(
      async (tx) => {
        if (two.dialect === "postgres") await tx.execute("set local lock_timeout = 20");
        if (two.dialect === "mysql") await tx.execute("set session innodb_lock_wait_timeout = 1");
        await tx.execute("update item set amount = 7");
      },
      { retries: isFile ? 20 : 1, deadlineMs: isFile ? 50 : 10_000 },
    );
    await expect(loser).rejects.toMatchObject({ code: "ERR_SKEIN_RETRYABLE" });
    release();
    await holder;
    const [row] = await two.query("select amount from item");
    expect(row?.amount).toBe(5n);
  });
}
