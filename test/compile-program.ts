/** Programs of the tests that run in processes of their own: Node runs no TypeScript. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Compiles `entry`, a path in the repository, and what it imports into a folder inside of
 * node_modules; resolves with the program. It takes half a second for a few files.
 */
export async function compileProgram(folder: string, entry: string): Promise<string> {
  const project = join(folder, "tsconfig.json");
  const compilerOptions = { noEmit: false, rootDir: root, outDir: folder, noCheck: true };
  const settings = { extends: join(root, "tsconfig.json"), compilerOptions };
  await writeFile(
    project,
    JSON.stringify({ ...settings, include: [], files: [join(root, entry)] }),
  );
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [compiler, "-p", project]);
  return join(folder, entry.replace(/\.ts$/, ".js"));
}
