/** Encrypted connections, against a PostgreSQL with a certificate of the test's own. */
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDiscovery } from "../../../src/discovery/create-discovery.ts";
import { silentLog } from "../../../src/runtime.ts";
import { registration } from "../../conformance/discovery.ts";
import { run, unprivileged } from "../../servers/instance.ts";
import { ask, postgres, rowsOf } from "../../servers/postgres.ts";
import { faultsOf, withServer } from "../../servers/server.ts";
import { realClock, realRandom } from "../clocks.ts";

withServer(
  postgres,
  "TLS to PostgreSQL",
  (server) => {
    const environment = { clock: realClock, random: realRandom, log: silentLog };
    let folder: string;
    let certificate: string;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "skein-tls-"));
      certificate = join(folder, "certificate.pem");
      const key = join(folder, "key.pem");
      const subject = ["-subj", "/CN=skein", "-addext", "subjectAltName=IP:127.0.0.1"];
      const made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      run(["openssl", "req", ...made, "-keyout", key, "-out", certificate, ...subject]);
      const account = unprivileged();
      for (const file of [folder, certificate, key]) {
        if (account !== undefined) chownSync(file, account.uid, account.gid);
      }
      await ask(server().url, `alter system set ssl_cert_file = '${certificate}'`);
      await ask(server().url, `alter system set ssl_key_file = '${key}'`);
      await ask(server().url, "alter system set ssl = on");
      await faultsOf(server()).stop();
      await faultsOf(server()).start();
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function register(parameters: string, host = "127.0.0.1") {
      const url = new URL(`${await server().newDatabase()}?${parameters}`);
      url.hostname = host;
      const backend = createDiscovery({ url: url.href }, environment);
      try {
        await backend.register?.(registration("a"));
        const [row] = await rowsOf(
          server().url,
          `select ssl from pg_stat_ssl join pg_stat_activity using (pid)
           where application_name = 'skein-discovery' and datname = '${url.pathname.slice(1)}'`,
        );
        return row?.ssl;
      } finally {
        await backend.close();
      }
    }

    test("is used if asked for, and not else", async () => {
      expect(await register("sslmode=require")).toBe(true);
      expect(await register("sslmode=disable")).toBe(false);
      expect(await register("")).toBe(false);
    });

    test("checks the server's certificate and its name with verify-full", async () => {
      const trusting = `sslmode=verify-full&sslrootcert=${encodeURIComponent(certificate)}`;
      expect(await register(trusting)).toBe(true);
      const unavailable = { code: "ERR_SKEIN_UNAVAILABLE" };
      await expect(register("sslmode=verify-full")).rejects.toMatchObject(unavailable);
      await expect(register(trusting, "localhost")).rejects.toMatchObject(unavailable);
    });

    test("names a file of certificates that cannot be read", async () => {
      const missing = "sslmode=verify-full&sslrootcert=/no/such/file.pem";
      await expect(register(missing)).rejects.toThrow("sslrootcert /no/such/file.pem");
    });
  },
  "faults",
);
