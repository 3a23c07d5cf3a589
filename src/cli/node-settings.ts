/**
 * What `skein node` runs with, out of three places: flags, then the environment, then a TOML
 * file. Says all faults at once and names the place each value came from. No secret is repeated.
 */
import { InvalidOptionsError } from "../errors.ts";
import { ADMIN_ADDRESS } from "../node/admin.ts";
import { checkNodeOptions } from "../node/options.ts";

/** The settings of a node, checked. */
export interface NodeSettings {
  readonly cluster: string;
  /** Absent: the node chooses its own, from the host's name and the process id. */
  readonly name?: string;
  readonly listen: HostPort;
  readonly advertise?: string;
  readonly url: string;
  /** One, or two while they are rotated. Absent: none. */
  readonly secret?: readonly string[];
  readonly secretFile?: string;
  /** Absent: no admin port. */
  readonly admin?: HostPort;
  readonly logLevel: LogLevel;
}

/** Where something listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** The levels of pino. */
export type LogLevel = (typeof LOG_LEVELS)[number];
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** The three places. A flag or variable that is empty counts as not given. */
export interface SettingSources {
  readonly flags: Readonly<Partial<Record<SettingName, string>>>;
  readonly env: NodeJS.ProcessEnv;
  readonly file?: { readonly path: string; readonly values: Readonly<Record<string, unknown>> };
}

/** What can be set. These are also the keys of the TOML file. */
export type SettingName =
  | "cluster"
  | "name"
  | "listen"
  | "advertise"
  | "url"
  | "secret"
  | "secret_file"
  | "admin"
  | "log_level";

const VARIABLES: Readonly<Record<SettingName, readonly string[]>> = {
  cluster: ["SKEIN_CLUSTER"],
  name: ["SKEIN_NAME"],
  listen: ["SKEIN_LISTEN"],
  advertise: ["SKEIN_ADVERTISE"],
  url: ["SKEIN_DISCOVERY_URL", "DATABASE_URL"],
  secret: ["SKEIN_SECRET"],
  secret_file: ["SKEIN_SECRET_FILE"],
  admin: ["SKEIN_ADMIN"],
  log_level: ["SKEIN_LOG_LEVEL"],
};

/** The table of persistent stores in the same file; who opens stores checks it. */
const STORES_KEY = "persistent";

const DEFAULT_LISTEN: HostPort = { host: "127.0.0.1", port: 7400 };

/** Puts the three places together; throws an InvalidOptionsError that lists every fault. */
export function resolveNodeSettings(sources: SettingSources): NodeSettings {
  const faults: string[] = unknownKeys(sources);
  const reader = new SettingReader(sources, faults);
  const cluster = reader.required("cluster");
  const url = reader.required("url");
  const name = reader.text("name");
  const advertise = reader.text("advertise");
  const listen = reader.hostPort("listen") ?? DEFAULT_LISTEN;
  const admin = reader.isOff("admin") ? undefined : (reader.hostPort("admin") ?? ADMIN_ADDRESS);
  const logLevel = reader.oneOf("log_level", LOG_LEVELS) ?? "info";
  const secret = reader.secret();
  const settings: NodeSettings = {
    cluster,
    url,
    listen,
    logLevel,
    ...secret,
    ...(name === undefined ? {} : { name }),
    ...(advertise === undefined ? {} : { advertise }),
    ...(admin === undefined ? {} : { admin }),
  };
  faults.push(...faultsTogether(settings));
  if (faults.length > 0) throw new InvalidOptionsError("skein node", faults);
  return settings;
}

/** What the node itself would refuse, so that it is said in the same breath. */
function faultsTogether(settings: NodeSettings): readonly string[] {
  const { cluster, listen, advertise, url } = settings;
  // A secret file is read later; that there is one is what counts here. What is missing has been
  // said already.
  const secret = settings.secret ?? (settings.secretFile === undefined ? [] : ["unread"]);
  try {
    checkNodeOptions({
      cluster: cluster || "missing",
      listen,
      secret,
      discovery: { url: url || "sqlite:missing" },
      ...(advertise === undefined ? {} : { advertise }),
    });
    return [];
  } catch (error) {
    if (error instanceof InvalidOptionsError) return error.faults;
    throw error;
  }
}

/** The secrets in a secret file: one a line, two at most. */
export function secretsOf(content: string, path: string): readonly string[] {
  const lines = content.split(/\r?\n/).filter((line) => line !== "");
  if (lines.length === 1 || lines.length === 2) return lines;
  const found = lines.length === 0 ? "is empty" : `has ${lines.length} lines`;
  throw new InvalidOptionsError("skein node", [
    `the secret file ${path} ${found}; one secret a line is allowed, two while they are rotated`,
  ]);
}

function isSettingName(key: string): key is SettingName {
  return Object.hasOwn(VARIABLES, key);
}

function unknownKeys({ file }: SettingSources): string[] {
  if (!file) return [];
  const allowed = Object.keys(VARIABLES).join(", ");
  return Object.keys(file.values)
    .filter((key) => !isSettingName(key) && key !== STORES_KEY)
    .map((key) => `${file.path} has the unknown key "${key}"; allowed are ${allowed}`);
}

/** One value and where it was found, to name it in a fault. */
interface Found {
  readonly value: unknown;
  readonly place: string;
  /** 0 is the flags: the lower one wins. */
  readonly rank: number;
}

/** Reads one setting after the other and notes what is wrong with each. */
class SettingReader {
  readonly #sources: SettingSources;
  readonly #faults: string[];

  constructor(sources: SettingSources, faults: string[]) {
    this.#sources = sources;
    this.#faults = faults;
  }

  text(name: SettingName): string | undefined {
    const found = this.#find(name);
    if (!found) return undefined;
    if (typeof found.value === "string" && found.value !== "") return found.value;
    return this.#fault(`${found.place} is ${shown(found.value)}; a text that is not empty is due`);
  }

  required(name: SettingName): string {
    if (!this.#find(name)) {
      const places = [flagOf(name), ...VARIABLES[name], `${name} in a --config file`].join(" or ");
      this.#faults.push(`the setting ${name} is missing; give ${places}`);
    }
    return this.text(name) ?? "";
  }

  isOff(name: SettingName): boolean {
    return this.#find(name)?.value === "off";
  }

  hostPort(name: SettingName): HostPort | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(value);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host !== undefined && port <= 65_535) return { host, port };
    const allowed = "host:port with a port of 0 to 65535, an IPv6 host in brackets";
    return this.#fault(
      `${this.#find(name)?.place} is ${shown(value)}; allowed is ${allowed}` +
        (name === "admin" ? ', or "off"' : ""),
    );
  }

  oneOf<T extends string>(name: SettingName, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const match = allowed.find((one) => one === value);
    const place = this.#find(name)?.place;
    return match ?? this.#fault(`${place} is ${shown(value)}; allowed are ${allowed.join(", ")}`);
  }

  /** The secret and its file are one setting: the nearer place wins, one place gives one. */
  secret(): Pick<NodeSettings, "secret" | "secretFile"> {
    const plain = this.#find("secret");
    const file = this.#find("secret_file");
    if (plain && file && plain.rank === file.rank) {
      this.#faults.push(`${plain.place} and ${file.place} are both given; allowed is one of them`);
      return {};
    }
    if (file && (!plain || file.rank < plain.rank)) {
      const path = this.text("secret_file");
      return path === undefined ? {} : { secretFile: path };
    }
    if (!plain) return {};
    const given: readonly unknown[] = Array.isArray(plain.value) ? plain.value : [plain.value];
    const secrets = given.filter((one) => typeof one === "string" && one !== "");
    if (secrets.length === given.length && given.length >= 1 && given.length <= 2) {
      return { secret: secrets.map(String) };
    }
    this.#faults.push(`${plain.place} is not one text, or a list of one or two that are not empty`);
    return {};
  }

  #find(name: SettingName): Found | undefined {
    const { flags, env, file } = this.#sources;
    const flag = flags[name];
    if (flag !== undefined) return { value: flag, place: flagOf(name), rank: 0 };
    const variable = VARIABLES[name].find((one) => (env[one] ?? "") !== "");
    if (variable) return { value: env[variable], place: variable, rank: 1 };
    if (!file || !Object.hasOwn(file.values, name)) return undefined;
    return { value: file.values[name], place: `${name} in ${file.path}`, rank: 2 };
  }

  #fault(fault: string): undefined {
    if (!this.#faults.includes(fault)) this.#faults.push(fault);
    return undefined;
  }
}

function flagOf(name: SettingName): string {
  return `--${name.replace("_", "-")}`;
}

function shown(value: unknown): string {
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  return (text ?? typeof value).slice(0, 100);
}
