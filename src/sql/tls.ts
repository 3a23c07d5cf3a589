/** The six levels of `sslmode`, as what Node's TLS is told, in the order in which it is tried. */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { UnavailableError } from "../errors.ts";
import type { ServerTarget } from "./target.ts";

/** False for a connection without TLS. */
export type TlsChoice = false | ConnectionOptions;

/** Reads the files of certificates. Sockets of the same host go without TLS. */
export async function tlsChoices(target: ServerTarget): Promise<readonly TlsChoice[]> {
  const { tls } = target;
  if (tls === "disable" || target.host.startsWith("/")) return [false];
  const client = await clientCertificate(target);
  const unchecked = { rejectUnauthorized: false, ...client };
  if (tls === "allow") return [false, unchecked];
  if (tls === "prefer") return [unchecked, false];
  if (tls === "require") return [unchecked];
  const checked = {
    rejectUnauthorized: true,
    ...(target.caFile === undefined ? {} : { ca: await read("sslrootcert", target.caFile) }),
    ...client,
  };
  return [tls === "verify-full" ? checked : { ...checked, checkServerIdentity: () => undefined }];
}

/**
 * Connects with the first choice, and with the next one if `isRefusal` says that the first was
 * refused for what it was; other errors would befall the next one as well.
 */
export async function connectByTls<T>(
  choices: readonly TlsChoice[],
  connect: (choice: TlsChoice) => Promise<T>,
  isRefusal: (error: unknown) => boolean,
): Promise<T> {
  const [first = false, second] = choices;
  try {
    return await connect(first);
  } catch (error) {
    if (second === undefined || !isRefusal(error)) throw error;
    return connect(second);
  }
}

async function clientCertificate(target: ServerTarget): Promise<{ cert?: string; key?: string }> {
  const { certFile, keyFile } = target;
  if (certFile === undefined || keyFile === undefined) return {};
  return { cert: await read("sslcert", certFile), key: await read("sslkey", keyFile) };
}

async function read(parameter: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UnavailableError(`${parameter} ${path} cannot be read`, { cause: error });
  }
}
