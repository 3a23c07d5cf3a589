/**
 * Whether a value would arrive on another node as it is here. Refused is what the encoding would
 * alter without a word: functions, class instances, lone surrogates, holes, lost properties.
 */
import { latin1ToBytes } from "../bytes.ts";
import { InvalidValueError, TooLargeError } from "../errors.ts";

/** The most bytes that a value may have encoded. */
export const VALUE_BYTES_MAX = 1024 * 1024;

/** How deep a value may be nested; scalars have depth 0. */
export const VALUE_DEPTH_MAX = 64;

const ALLOWED =
  "allowed are null, booleans, numbers, strings, bigints, undefined, plain objects, arrays, " +
  "Map, Set, Date, ArrayBuffer, DataView, typed arrays and Buffer";

const RICH_LEAVES: ReadonlySet<unknown> = new Set([
  // Buffer, which is Node's.
  Object.getPrototypeOf(latin1ToBytes("")),
  Date.prototype,
  ArrayBuffer.prototype,
  DataView.prototype,
  Int8Array.prototype,
  Uint8Array.prototype,
  Uint8ClampedArray.prototype,
  Int16Array.prototype,
  Uint16Array.prototype,
  Int32Array.prototype,
  Uint32Array.prototype,
  Float32Array.prototype,
  Float64Array.prototype,
  BigInt64Array.prototype,
  BigUint64Array.prototype,
]);

/** Where in a value a fault is; the path grows as the walk returns. */
interface Fault {
  readonly steps: string[];
  readonly why: string;
}

/** One walk over one value. */
export class ValueCheck {
  /** Whether the value holds what plain MessagePack lacks: Map, Set, Date or binary data. */
  rich = false;
  /** Property that the encoder of rich values cannot carry. */
  #reserved: string | null = null;
  #bytesLeft = VALUE_BYTES_MAX;

  /** @throws InvalidValueError, TooLargeError */
  run(value: unknown): void {
    const fault = this.#value(value, 0);
    if (fault !== undefined) {
      throw new InvalidValueError(`value${fault.steps.reverse().join("")} ${fault.why}`);
    }
    if (this.rich && this.#reserved !== null) {
      throw new InvalidValueError(
        `value has a property "${this.#reserved}" and holds a Map, a Set, a Date or binary data; ` +
          "only one of them is allowed",
      );
    }
  }

  #value(value: unknown, depth: number): Fault | undefined {
    // Each node takes a byte at least: a bound for values whose parts are shared over and over.
    if (--this.#bytesLeft < 0) throw tooLarge();
    switch (typeof value) {
      case "string":
        this.#bytesLeft -= value.length;
        return value.isWellFormed() ? undefined : fault("has a lone surrogate");
      case "number":
      case "boolean":
      case "bigint":
      case "undefined":
        return undefined;
      case "object":
        return value === null ? undefined : this.#object(value, depth + 1);
      default:
        return fault(`is a ${typeof value}; ${ALLOWED}`);
    }
  }

  #object(value: object, depth: number): Fault | undefined {
    if (depth > VALUE_DEPTH_MAX) {
      return fault(`is nested too deep or in a cycle; at most ${VALUE_DEPTH_MAX} levels`);
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, depth);
    if (Array.isArray(value) && prototype === Array.prototype) return this.#array(value, depth);
    this.rich = true;
    if (value instanceof Map && prototype === Map.prototype) return this.#map(value, depth);
    if (value instanceof Set && prototype === Set.prototype) return this.#set(value, depth);
    if (RICH_LEAVES.has(prototype)) return this.#leaf(value);
    const name: unknown = Reflect.get(value, "constructor")?.name;
    return fault(`is an instance of ${typeof name === "string" ? name : "a class"}; ${ALLOWED}`);
  }

  #plain(value: object, depth: number): Fault | undefined {
    const names = Object.keys(value);
    for (const name of names) {
      if (name === "__proto__") return fault('has a property "__proto__"');
      if (name === "__keys__") this.#reserved = name;
      if (!name.isWellFormed()) return fault("has a property name with a lone surrogate");
      this.#bytesLeft -= name.length + 1;
      const found = this.#value(Reflect.get(value, name), depth);
      if (found !== undefined) return inside(found, step(name));
    }
    return symbolKey(value);
  }

  #array(value: readonly unknown[], depth: number): Fault | undefined {
    for (let index = 0; index < value.length; index++) {
      const element = value[index];
      if (element === undefined && !Object.hasOwn(value, index)) {
        return fault(`is a sparse array, with a hole at ${index}`);
      }
      const found = this.#value(element, depth);
      if (found !== undefined) return inside(found, `[${index}]`);
    }
    if (Object.keys(value).length !== value.length) {
      return fault("is an array with properties besides its elements");
    }
    return symbolKey(value);
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): Fault | undefined {
    let index = 0;
    for (const [key, element] of value) {
      let found = this.#value(key, depth);
      if (found !== undefined) return inside(found, `.keys()[${index}]`);
      found = this.#value(element, depth);
      if (found !== undefined) return inside(found, `.values()[${index}]`);
      index++;
    }
    return ownProperty(value);
  }

  #set(value: ReadonlySet<unknown>, depth: number): Fault | undefined {
    let index = 0;
    for (const element of value) {
      const found = this.#value(element, depth);
      if (found !== undefined) return inside(found, `.values()[${index}]`);
      index++;
    }
    return ownProperty(value);
  }

  #leaf(value: object): Fault | undefined {
    const binary = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
    if (!binary) return ownProperty(value);
    this.#bytesLeft -= value.byteLength;
    if (this.#bytesLeft < 0) throw tooLarge();
    // The elements of typed arrays are properties too, and the listing ends with the others.
    if (value instanceof ArrayBuffer || value instanceof DataView) return ownProperty(value);
    const elements = Reflect.get(value, "length");
    return Object.keys(value).length === elements ? symbolKey(value) : lostProperty();
  }
}

/** The refusal of a value over its limit. */
export function tooLarge(): TooLargeError {
  return new TooLargeError(`value is over ${VALUE_BYTES_MAX} bytes encoded`);
}

function fault(why: string): Fault {
  return { steps: [], why };
}

function inside(found: Fault, where: string): Fault {
  found.steps.push(where);
  return found;
}

function step(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function ownProperty(value: object): Fault | undefined {
  return Object.keys(value).length > 0 ? lostProperty() : symbolKey(value);
}

function symbolKey(value: object): Fault | undefined {
  if (Object.getOwnPropertySymbols(value).length === 0) return undefined;
  return fault("has a property whose name is a symbol");
}

function lostProperty(): Fault {
  return fault("has properties besides its content");
}
