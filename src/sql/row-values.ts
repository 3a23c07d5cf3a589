/** Values of rows as the types that one expects: columns differ a little between databases. */

/** Text, also of a column that compares bytes, which MySQL gives as bytes. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  }
  throw new TypeError(`a text was expected in a row, not ${typeof value}`);
}

/** A whole number of any size. */
export function bigintOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" || typeof value === "string") return BigInt(value);
  throw new TypeError(`a whole number was expected in a row, not ${typeof value}`);
}

/** A number that JavaScript's numbers hold exactly. */
export function numberOf(value: unknown): number {
  const number = Number(value);
  if (value !== null && Number.isFinite(number)) return number;
  throw new TypeError(`a number was expected in a row, not ${typeof value}`);
}
