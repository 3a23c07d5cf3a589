/**
 * Values to text, once for all adapters. JSON, and what JSON lacks as an object with a sole member
 * whose name begins with "$": $bigint, $bytes (base64), $date (ms), $number (-0). A plain object
 * of that form is wrapped in one of the name "$", so that everything comes back as it was.
 */
import { InvalidValueError, TooLargeError } from "../../errors.ts";
import { isPlainJson } from "./plain-json.ts";
import { STORE_VALUE_BYTES_MAX, STORE_VALUE_DEPTH_MAX } from "./store-value.ts";

/** Turning a bigint into digits takes the square of its length, so that has a limit too. */
const BIGINT_BITS_MAX = 65_536;
const ALLOWED =
  "allowed are null, booleans, finite numbers, strings, bigints, Uint8Array, Date, arrays and " +
  "plain objects";

/**
 * The value as text.
 * @throws InvalidValueError with the path, TooLargeError
 */
export function encodeValue(value: unknown, bytesMax: number = STORE_VALUE_BYTES_MAX): string {
  const plain = isPlainJson(value, bytesMax) ? JSON.stringify(value) : undefined;
  // JSON escapes U+0000 and lone surrogates: without an escape of that form there are none.
  const text =
    plain === undefined || plain.includes("\\u")
      ? JSON.stringify(new Walk(bytesMax).shape(value, 0))
      : plain;
  // A unit of UTF-16 takes three bytes at most: only long texts need to be measured.
  if (text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax) throw tooLarge(bytesMax);
  return text;
}

/** One walk over one value: gives what JSON.stringify gets, the value itself where that can be. */
class Walk {
  readonly #path: (string | number)[] = [];
  readonly #bytesMax: number;
  #bytesLeft: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytesLeft = bytesMax;
  }

  shape(value: unknown, depth: number): unknown {
    // Each part takes a byte at least: a bound for values whose parts are shared over and over.
    this.#take(1);
    switch (typeof value) {
      case "string":
        this.#checkText(value);
        return value;
      case "number":
        if (!Number.isFinite(value)) throw this.#refusal(`is ${value}; ${ALLOWED}`);
        return Object.is(value, -0) ? { $number: "-0" } : value;
      case "boolean":
        return value;
      case "bigint":
        if (BigInt.asIntN(BIGINT_BITS_MAX, value) !== value) {
          throw this.#refusal(`is a bigint of more than ${BIGINT_BITS_MAX} bits`);
        }
        return { $bigint: value.toString() };
      case "object":
        return value === null ? null : this.#object(value, depth + 1);
      default:
        throw this.#refusal(`is ${nameOfType(value)}; ${ALLOWED}`);
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > STORE_VALUE_DEPTH_MAX) {
      throw this.#refusal(
        `is nested too deep or in a cycle; allowed are ${STORE_VALUE_DEPTH_MAX} levels`,
      );
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#array(value, depth);
    const isBytes = prototype === Uint8Array.prototype || prototype === Buffer.prototype;
    if (value instanceof Uint8Array && isBytes) return this.#bytes(value);
    if (value instanceof Date && prototype === Date.prototype) return this.#date(value);
    const name: unknown = Reflect.get(value, "constructor")?.name;
    const what = typeof name === "string" && name !== "" ? name : "a class";
    throw this.#refusal(`is an instance of ${what}; ${ALLOWED}`);
  }

  #plain(value: object, depth: number): object {
    const names = Object.keys(value);
    let copy: Record<string, unknown> | undefined;
    for (const name of names) {
      this.#path.push(name);
      this.#checkText(name);
      const given: unknown = Reflect.get(value, name);
      const shaped = this.shape(given, depth);
      this.#path.pop();
      if (shaped === given) continue;
      // A copy without a prototype, so that "__proto__" is a name like any other.
      copy ??= Object.assign(Object.create(null), value);
      if (copy !== undefined) copy[name] = shaped;
    }
    this.#refuseSymbols(value);
    const shaped = copy ?? value;
    return names.length === 1 && names[0]?.startsWith("$") ? { $: shaped } : shaped;
  }

  #array(value: readonly unknown[], depth: number): readonly unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index++) {
      const given = value[index];
      this.#path.push(index);
      if (given === undefined) throw this.#refusal(`is undefined or a hole; ${ALLOWED}`);
      const shaped = this.shape(given, depth);
      this.#path.pop();
      if (shaped === given) continue;
      copy ??= [...value];
      copy[index] = shaped;
    }
    this.#refuseSymbols(value);
    if (Object.keys(value).length !== value.length) {
      throw this.#refusal("is an array with properties besides its elements");
    }
    return copy ?? value;
  }

  #bytes(value: Uint8Array): object {
    this.#take(value.byteLength);
    const view = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { $bytes: view.toString("base64") };
  }

  #date(value: Date): object {
    const ms = value.getTime();
    if (Number.isNaN(ms)) throw this.#refusal("is an invalid Date");
    return { $date: ms };
  }

  #checkText(text: string): void {
    this.#take(text.length);
    if (text.includes("\0")) throw this.#refusal("has the character U+0000");
    if (!text.isWellFormed()) throw this.#refusal("has a lone surrogate");
  }

  #refuseSymbols(value: object): void {
    if (Object.getOwnPropertySymbols(value).length === 0) return;
    throw this.#refusal("has a property whose name is a symbol");
  }

  #take(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw tooLarge(this.#bytesMax);
  }

  #refusal(why: string): InvalidValueError {
    return new InvalidValueError(`value${this.#path.map(step).join("")} ${why}`);
  }
}

function step(part: string | number): string {
  if (typeof part === "number") return `[${part}]`;
  return /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part.slice(0, 40))}]`;
}

function nameOfType(value: unknown): string {
  return value === undefined ? "undefined" : `a ${typeof value}`;
}

function tooLarge(bytesMax: number): TooLargeError {
  return new TooLargeError(`value takes more than the ${bytesMax} bytes that are allowed, encoded`);
}
