/** A small DNS server over UDP: answers A, AAAA and SRV questions from a table. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const A = 1;
const AAAA = 28;
const SRV = 33;

/** What the server knows, by lower-case name. */
export interface DnsRecords {
  a?: readonly string[];
  aaaa?: readonly string[];
  srv?: readonly { readonly name: string; readonly port: number }[];
}

/** `records` may change while it runs. `mode` says what it does with questions. */
export class DnsServer {
  readonly records = new Map<string, DnsRecords>();
  mode: "answer" | "fail" | "silent" = "answer";
  /** Questions so far. */
  questionCount = 0;
  readonly #socket: Socket = createSocket("udp4");

  async start(): Promise<string> {
    this.#socket.on("message", (question, from) => {
      this.questionCount++;
      if (this.mode === "silent") return;
      this.#socket.send(this.#answer(question), from.port, from.address);
    });
    this.#socket.bind(0, "127.0.0.1");
    await once(this.#socket, "listening");
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(question: Buffer): Buffer {
    let at = 12;
    const labels: string[] = [];
    for (let size = question[at] ?? 0; size > 0; size = question[at] ?? 0) {
      labels.push(question.toString("latin1", at + 1, at + 1 + size));
      at += size + 1;
    }
    const type = question.readUInt16BE(at + 1);
    const asked = question.subarray(12, at + 5);
    const records = this.records.get(labels.join(".").toLowerCase());
    const answers = this.mode === "fail" || !records ? [] : encode(type, records);
    const head = Buffer.alloc(12);
    question.copy(head, 0, 0, 2);
    // A response, recursion available; SERVFAIL, NXDOMAIN or neither.
    head.writeUInt16BE(0x8180 | (this.mode === "fail" ? 2 : records === undefined ? 3 : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    return Buffer.concat([head, asked, ...answers]);
  }
}

function encode(type: number, records: DnsRecords): Buffer[] {
  if (type === A)
    return (records.a ?? []).map((ip) => record(A, Buffer.from(ip.split(".").map(Number))));
  if (type === AAAA) return (records.aaaa ?? []).map((ip) => record(AAAA, ipv6(ip)));
  if (type !== SRV) return [];
  return (records.srv ?? []).map(({ name, port }) => {
    const fixed = Buffer.alloc(6);
    fixed.writeUInt16BE(port, 4);
    return record(SRV, Buffer.concat([fixed, encodeName(name)]));
  });
}

function record(type: number, data: Buffer): Buffer {
  // The name is a pointer to the question; the record lives for no time at all.
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

/** Eight groups written out, without "::". */
function ipv6(ip: string): Buffer {
  const bytes = Buffer.alloc(16);
  for (const [index, group] of ip.split(":").entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  }
  return bytes;
}
