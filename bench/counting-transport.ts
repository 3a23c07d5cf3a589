/** A transport that counts the frames and bytes that go out by it. */
import type { DialHandler, Link, LinkHandler, Transport } from "../src/cluster/transport.ts";

/** What all transports of one count have sent. */
export interface SentCount {
  frames: number;
  bytes: number;
}

export class CountingTransport implements Transport {
  readonly #transport: Transport;
  readonly #sent: SentCount;

  constructor(transport: Transport, sent: SentCount) {
    this.#transport = transport;
    this.#sent = sent;
  }

  listen(accept: (link: Link) => LinkHandler) {
    return this.#transport.listen((link) => accept(new CountedLink(link, this.#sent)));
  }

  dial(address: string, handler: DialHandler) {
    return this.#transport.dial(address, {
      opened: (link) => handler.opened(new CountedLink(link, this.#sent)),
      failed: (why, message) => handler.failed(why, message),
    });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }
}

class CountedLink implements Link {
  readonly remote: string;
  readonly #link: Link;
  readonly #sent: SentCount;

  constructor(link: Link, sent: SentCount) {
    this.remote = link.remote;
    this.#link = link;
    this.#sent = sent;
  }

  send(frame: Uint8Array): void {
    this.#sent.frames++;
    this.#sent.bytes += frame.length;
    this.#link.send(frame);
  }

  bufferedBytes(): number {
    return this.#link.bufferedBytes();
  }

  close(reason: string, flush?: boolean): void {
    this.#link.close(reason, flush);
  }
}
