/** rediss:// against a Redis that speaks TLS alone, with a certificate of the test's own. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { compileProgram } from "../../../compile-program.ts";
import { Instance } from "../../../servers/instance.ts";
import { redis } from "../../../servers/redis.ts";
import { withServer } from "../../../servers/server.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const run = promisify(execFile);

withServer(
  redis,
  "Redis by TLS",
  () => {
    let certificates = "";
    let folder = "";
    let program = "";
    let instance: Instance | undefined;
    const at = (name: string) => join(certificates, name);

    beforeAll(async () => {
      certificates = mkdtempSync(join(tmpdir(), "skein-redis-tls-"));
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      const files = ["-keyout", at("key.pem"), "-out", at("cert.pem")];
      const name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
      execFileSync("openssl", ["req", "-x509", ...key, ...files, ...name], { stdio: "ignore" });
      instance = await Instance.create({
        name: "redis-tls",
        command: ({ folder: data, port }) => [
          "redis-server",
          ...["--port", "0", "--tls-port", String(port), "--bind", "127.0.0.1", "--dir", data],
          ...["--tls-cert-file", at("cert.pem"), "--tls-key-file", at("key.pem")],
          ...["--tls-ca-cert-file", at("cert.pem"), "--tls-auth-clients", "no", "--save", ""],
        ],
        probe: answers,
      });
      folder = await mkdtemp(join(root, "node_modules/.skein-test-"));
      program = await compileProgram(folder, "test/persistent/adapters/redis/secured-process.ts");
    });
    afterAll(async () => {
      await instance?.dispose();
      await rm(folder, { recursive: true });
      rmSync(certificates, { recursive: true });
    });

    /** What the process prints, or what it complains of. */
    const ask = async (url: string, trusted: string | undefined) => {
      const env = { ...process.env, ...(trusted && { NODE_EXTRA_CA_CERTS: trusted }) };
      try {
        return (await run(process.execPath, [program, url], { env, timeout: 100_000 })).stdout;
      } catch (error) {
        return error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
      }
    };

    it("keeps and reads values where the certificate is trusted and has the server's name", async () => {
      expect(await ask(`rediss://localhost:${instance?.port}`, at("cert.pem"))).toBe("over TLS");
    });

    it.each([
      ["a certificate that nobody trusts", "rediss://localhost", false],
      ["a certificate of another name", "rediss://127.0.0.1", true],
      ["a URL without TLS", "redis://localhost", true],
    ])(
      "is refused for %s",
      async (_, url, isTrusted) => {
        const told = await ask(`${url}:${instance?.port}`, isTrusted ? at("cert.pem") : undefined);
        expect(told).toContain("UnavailableError");
      },
      40_000,
    );
  },
  "faults",
);

function answers(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      socket.end();
      resolve();
    });
    socket.once("error", reject);
  });
}
