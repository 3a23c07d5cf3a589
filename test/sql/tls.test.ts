/** All six levels of sslmode against a PostgreSQL with certificates of the test's own. */
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseDatabaseUrl } from "../../src/sql/target.ts";
import { run, unprivileged } from "../servers/instance.ts";
import { ask, postgres, rowsOf } from "../servers/postgres.ts";
import { faultsOf, withServer } from "../servers/server.ts";
import { Opener, surroundings } from "./fixture.ts";

const SECRET = "s3cr3t-Pa55";

withServer(
  postgres,
  "sslmode",
  (server) => {
    const opener = new Opener();
    let folder = "";
    const at = (name: string) => join(folder, name);

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "skein-tls-"));
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
      const sign = (name: string, ...more: readonly string[]) => {
        const files = ["-keyout", at(`${name}.key`), "-out", at(`${name}.pem`)];
        run(["openssl", "req", "-x509", ...key, ...files, "-subj", `/CN=${name}`, ...more]);
      };
      sign("authority");
      sign("stranger");
      const by = ["-CA", at("authority.pem"), "-CAkey", at("authority.key")];
      sign("server", ...by, "-addext", "subjectAltName=IP:127.0.0.1");
      sign("secured", ...by);
      const account = unprivileged();
      for (const file of [folder, at("server.pem"), at("server.key"), at("authority.pem")]) {
        if (account !== undefined) chownSync(file, account.uid, account.gid);
      }
      const { url } = server();
      await ask(url, "create role plain login");
      await ask(url, "create role secured login");
    });

    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    async function restart(settings: Readonly<Record<string, string>>): Promise<void> {
      for (const [name, value] of Object.entries(settings)) {
        await ask(server().url, `alter system set ${name} = '${value}'`);
      }
      await faultsOf(server()).stop();
      await faultsOf(server()).start();
    }

    /** Whether the connection is encrypted; rejects if there is none. */
    async function connect(
      parameters: Record<string, string>,
      host = "127.0.0.1",
      user = "postgres",
    ) {
      const url = new URL(server().url);
      url.hostname = host;
      url.username = user;
      url.password = SECRET;
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      const database = await opener.open({ database: url.href, pool: { max: 1 } });
      const [row] = await database.query(
        "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
      );
      return row?.ssl;
    }

    const ca = () => ({ sslrootcert: at("authority.pem") });
    const unavailable = { code: "ERR_SKEIN_UNAVAILABLE" };

    test("a server without TLS: prefer goes without, require and above refuse", async () => {
      for (const sslmode of ["disable", "allow", "prefer"]) {
        expect([sslmode, await connect({ sslmode })]).toEqual([sslmode, false]);
      }
      await expect(connect({ sslmode: "require" })).rejects.toMatchObject(unavailable);
      for (const sslmode of ["verify-ca", "verify-full"]) {
        await expect(connect({ sslmode, ...ca() })).rejects.toMatchObject(unavailable);
      }
    });

    test("a server with TLS: each level does what it says, and no more", async () => {
      await restart({
        ssl_cert_file: at("server.pem"),
        ssl_key_file: at("server.key"),
        ssl_ca_file: at("authority.pem"),
        ssl: "on",
      });
      for (const [sslmode, encrypted] of [
        ["disable", false],
        ["allow", false],
        ["prefer", true],
        ["require", true],
      ] as const) {
        expect([sslmode, await connect({ sslmode })]).toEqual([sslmode, encrypted]);
      }
      expect(await connect({ sslmode: "verify-ca", ...ca() })).toBe(true);
      expect(await connect({ sslmode: "verify-full", ...ca() })).toBe(true);
      // The name is not in the certificate: verify-ca does not mind.
      expect(await connect({ sslmode: "verify-ca", ...ca() }, "localhost")).toBe(true);
      const wrongName = connect({ sslmode: "verify-full", ...ca() }, "localhost");
      await expect(wrongName).rejects.toMatchObject(unavailable);
      for (const sslmode of ["verify-ca", "verify-full"]) {
        const stranger = connect({ sslmode, sslrootcert: at("stranger.pem") });
        await expect(stranger).rejects.toMatchObject(unavailable);
        await expect(connect({ sslmode })).rejects.toMatchObject(unavailable);
      }
    });

    test("a server that wants TLS, or a client's certificate: allow gives in, disable does not", async () => {
      const { url } = server();
      const rules = [
        "hostssl all secured 127.0.0.1/32 cert",
        "hostssl all plain 127.0.0.1/32 trust",
        "hostnossl all plain 127.0.0.1/32 reject",
        "host all all 127.0.0.1/32 trust",
      ];
      const [row] = await rowsOf(url, "select current_setting('hba_file') as file");
      writeFileSync(String(row?.file), `${rules.join("\n")}\n`);
      await ask(url, "select pg_reload_conf()");
      const plain = (sslmode: string) => connect({ sslmode }, "127.0.0.1", "plain");
      await expect(plain("disable")).rejects.toMatchObject(unavailable);
      expect(await plain("allow")).toBe(true);
      expect(await plain("prefer")).toBe(true);
      const secured = (more: Record<string, string>) =>
        connect({ sslmode: "require", ...more }, "127.0.0.1", "secured");
      await expect(secured({})).rejects.toMatchObject(unavailable);
      const own = { sslcert: at("secured.pem"), sslkey: at("secured.key") };
      expect(await secured(own)).toBe(true);
    });

    test("neither errors nor logs nor counts show the password", async () => {
      const lines: unknown[] = [];
      const note = (...all: unknown[]) => void lines.push(all);
      const log = { debug: note, info: note, warn: note, error: note };
      const url = new URL(server().url);
      url.username = "nobody_here";
      url.password = SECRET;
      for (const text of [url.href, `${url.href}?sslmode=${SECRET}`, `oracle://u:${SECRET}@h/d`]) {
        const error: unknown = await opener.open({ database: text }, log).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(Error);
        lines.push(error);
      }
      url.username = "postgres";
      const database = await opener.open({ database: url.href }, log);
      lines.push(database.subject, database.stats(), database.server, surroundings.log);
      lines.push(await database.query("select nothing").catch((e: unknown) => e));
      expect(inspect(lines, { depth: 20, showHidden: true })).not.toContain(SECRET);
      expect(JSON.stringify(parseDatabaseUrl(`postgres://u:${SECRET}@h:x/d`))).not.toContain(
        SECRET,
      );
    });
  },
  "faults",
);
