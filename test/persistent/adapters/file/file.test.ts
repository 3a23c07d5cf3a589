/** Stores in files. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { FileAdapter } from "../../../../src/persistent/adapters/file/file-adapter.ts";
import { adapterSuite } from "../suite.ts";

let folder: string | undefined;

adapterSuite("file", {
  make: async () => {
    folder = await mkdtemp(join(tmpdir(), "skein-files-"));
    // So few items in memory that archives are read again all the time.
    const options = { folder: join(folder, "stores"), archiveItemsInMemory: 40 };
    const subject = {
      adapter: new FileAdapter(options),
      async restart() {
        await subject.adapter.close();
        subject.adapter = new FileAdapter(options);
        await subject.adapter.open();
      },
    };
    await subject.adapter.open();
    return subject;
  },
  rounds: 25,
});

afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
});
