/** `skein status`: what a running node says about itself, as a picture or as JSON. */
import { Command } from "commander";
import { UnavailableError } from "../errors.ts";
import { renderStatus } from "./status-text.ts";
import { paintFor } from "./text.ts";

const DEFAULT_URL = "http://127.0.0.1:7401";
const ANSWER_LIMIT_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** The exit code when the node answers but says that it is not ready. */
const NOT_READY = 2;

export function statusCommand(): Command {
  return new Command("status")
    .description("show the state of a node; exits with 1 if out of reach, 2 if not ready")
    .option("--url <url>", "the node's admin port", DEFAULT_URL)
    .option("--json", "the node's answer as it is", false)
    .action(showStatus);
}

async function showStatus({ url, json }: { url: string; json: boolean }): Promise<void> {
  // One after the other: a picture of a ready node must not come with an older "not ready".
  const status = await ask(url, "/status");
  const health = await ask(url, "/health");
  if (status.code !== 200) {
    throw new UnavailableError(`${url}/status answered ${status.code}, not 200`);
  }
  const ready = health.code === 200;
  if (!ready) process.exitCode = NOT_READY;
  if (json) {
    process.stdout.write(`${JSON.stringify(status.body, null, 2)}\n`);
    return;
  }
  const paint = paintFor(process.stdout, process.env);
  const phase = ready ? "ready" : phaseOf(health.body);
  process.stdout.write(`${renderStatus(status.body, phase, paint).join("\n")}\n`);
}

async function ask(base: string, path: string): Promise<{ code: number; body: unknown }> {
  try {
    const response = await fetch(new URL(path, base), {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
      redirect: "error",
    });
    return { code: response.status, body: JSON.parse(await boundedText(response)) };
  } catch (cause) {
    throw new UnavailableError(`no node answers at ${base}: ${reasonOf(cause)}`, { cause });
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is over ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** fetch hides the reason ("ECONNREFUSED …") one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return error.message;
}

function phaseOf(body: unknown): string {
  const named = typeof body === "object" && body !== null && "phase" in body;
  return named ? String(body.phase) : "not ready";
}
