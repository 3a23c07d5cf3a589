/** Text to values: the reverse of encode-value.ts. */
import { ProtocolError } from "../../errors.ts";

/**
 * The value that was encoded.
 * @throws ProtocolError if the text is not of our making, or of a newer version's
 */
export function decodeValue(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError("stored text is no JSON", { cause: error });
  }
  // Without a name that begins with "$" there is nothing that JSON has not done already. To look for
  // one character first takes a sixth of the time, as most texts have none.
  return text.includes("$") && text.includes('"$') ? revive(parsed) : parsed;
}

function revive(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = revive(value[index]);
    return value;
  }
  const names = Object.keys(value);
  const name = names[0];
  if (names.length === 1 && name?.startsWith("$")) return tagged(name, Reflect.get(value, name));
  return reviveMembers(value);
}

/** JSON.parse has made every name, "__proto__" too, a property of its own: setting keeps it so. */
function reviveMembers(value: object): object {
  for (const name of Object.keys(value)) Reflect.set(value, name, revive(Reflect.get(value, name)));
  return value;
}

function tagged(name: string, content: unknown): unknown {
  switch (name) {
    case "$":
      if (typeof content === "object" && content !== null) return reviveMembers(content);
      break;
    case "$bigint":
      if (typeof content === "string" && /^-?\d+$/.test(content)) return BigInt(content);
      break;
    case "$bytes":
      if (typeof content === "string") return new Uint8Array(Buffer.from(content, "base64"));
      break;
    case "$date":
      if (typeof content === "number") return new Date(content);
      break;
    case "$number":
      if (content === "-0") return -0;
      break;
  }
  throw new ProtocolError(`stored text has the unknown form ${JSON.stringify(name)}`);
}
