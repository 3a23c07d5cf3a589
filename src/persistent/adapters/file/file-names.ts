/**
 * Names of users, hosts and stores as names of files. Only a-z, 0-9, "_" and "-" stand for
 * themselves, every other byte is "%" and two digits, so that names stay apart on file systems
 * that fold case or accents, and none is special (".", "con"). A long name ends in its SHA-256:
 * the file itself has the whole of it.
 */
import { createHash } from "node:crypto";

/** The longest escaped name that is used as it is; file systems allow 255 bytes. */
const ESCAPED_MAX = 180;
/** Letters of a longer name that are kept, for people who look into the folder. */
const HEAD_KEPT = 60;
const HOST_ITSELF = "@host";

/** The name of a user's file without its ending; "" is the host's own. */
export function fileNameOf(user: string): string {
  if (user === "") return HOST_ITSELF;
  const escaped = escapeBytes(user);
  if (escaped.length <= ESCAPED_MAX) return `u-${escaped}`;
  const digest = createHash("sha256").update(user).digest("hex");
  return `x-${escaped.slice(0, HEAD_KEPT)}-${digest}`;
}

/** The user of a file; "unknown" if only the file itself can tell; undefined if it is none of ours. */
export function userOfFile(name: string): { user: string } | "unknown" | undefined {
  if (name === HOST_ITSELF) return { user: "" };
  if (name.startsWith("x-")) return "unknown";
  const user = name.startsWith("u-") ? unescapeBytes(name.slice(2)) : undefined;
  return user === undefined ? undefined : { user };
}

/** The name of a folder for a host or a store, of at most 255 bytes. */
export function folderNameOf(text: string): string {
  const escaped = escapeBytes(text);
  if (escaped.length <= ESCAPED_MAX) return escaped;
  const digest = createHash("sha256").update(text).digest("hex");
  return `${escaped.slice(0, HEAD_KEPT)}-${digest}`;
}

function escapeBytes(text: string): string {
  let escaped = "";
  for (const byte of Buffer.from(text)) {
    const letter = String.fromCharCode(byte);
    escaped += /[a-z0-9_-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return escaped;
}

function unescapeBytes(escaped: string): string | undefined {
  if (!/^(?:[a-z0-9_-]|%[0-9a-f]{2})*$/.test(escaped)) return undefined;
  const bytes: number[] = [];
  for (const [part] of escaped.matchAll(/%..|[^%]/g)) {
    bytes.push(part.length === 3 ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0));
  }
  return Buffer.from(bytes).toString();
}
