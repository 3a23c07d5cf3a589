/**
 * Writes to stores in files for ever and prints what was acknowledged, a line each: the numbers of
 * a value, of a pair of rows and of an item. Its argument is the folder.
 */
import { FileAdapter } from "../../../../src/persistent/adapters/file/file-adapter.ts";
import { StoreOpener } from "../../../../src/persistent/fronts/open-store.ts";

const PADDING = "x".repeat(3000);

async function main(folder: string): Promise<void> {
  const adapter = new FileAdapter({ folder, owner: "writer" });
  await adapter.open();
  const opener = new StoreOpener(adapter);
  const host = "example";
  const values = await opener.keyval<unknown>({ host, name: "values" });
  const rows = await opener.map<unknown>({ host, name: "rows" });
  const items = await opener.archive<unknown>({ host, name: "items" });
  const last = await items.find("user", { reverse: true, limit: 1 });
  const from = Number(last.items[0]?.key ?? 0);
  console.log(`from ${from}`);
  for (let number = from + 1; ; number++) {
    const padded = { number, padding: PADDING };
    await items.append("user", { key: String(number), when: BigInt(number), value: padded });
    await values.set("user", padded);
    await rows.setKeys(
      "user",
      new Map([
        ["a", padded],
        ["b", padded],
      ]),
    );
    // Half of them go again, so that the file is rewritten now and then.
    if (number % 2 === 0) await items.delete("user", { key: String(number - 1) });
    console.log(number);
  }
}

await main(process.argv[2] ?? "");
