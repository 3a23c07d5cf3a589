/** Reads a TOML file of settings, and files that hold a secret: bounded, with clear errors. */
import { open } from "node:fs/promises";
import { parse } from "smol-toml";
import { InvalidOptionsError, UnavailableError } from "../errors.ts";

const FILE_BYTES_MAX = 64 * 1024;

/** The top-level keys and values of a TOML file; which keys are allowed is the reader's matter. */
export async function readToml(path: string): Promise<Record<string, unknown>> {
  const content = await readSmallFile(path);
  try {
    return parse(content);
  } catch (cause) {
    // The parser's message spans lines and shows the source, which may hold a secret.
    const reason = String(cause instanceof Error ? cause.message : cause).split("\n", 1)[0];
    const at = isPlaced(cause) ? ` (line ${cause.line}, column ${cause.column})` : "";
    throw new InvalidOptionsError("skein node", [`${path} is not TOML: ${reason}${at}`]);
  }
}

/** The whole text of a file that must be small. */
export async function readSmallFile(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) {
        throw new Error(`${size} bytes are too many, ${FILE_BYTES_MAX} are allowed`);
      }
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnavailableError(`cannot read ${path}: ${reason}`, { cause });
  }
}

function isPlaced(error: unknown): error is { line: number; column: number } {
  return (
    typeof error === "object" &&
    error !== null &&
    "line" in error &&
    typeof error.line === "number" &&
    "column" in error &&
    typeof error.column === "number"
  );
}
