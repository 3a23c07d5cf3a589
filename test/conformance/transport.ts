/** What every Transport must do. Each maker runs it: see test/cluster/*-transport.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DialFailure, Link, LinkHandler, Transport } from "../../src/cluster/transport.ts";

/** One world of transports that can reach one another. */
export interface TransportWorld {
  transport(): Transport;
  /** Lets the world run until the condition holds; throws if it does not within a limit. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Whether time passes while the test waits for a promise. */
  readonly isReal: boolean;
  /** An address of the right form where nobody listens. */
  readonly unusedAddress: string;
  /** An address that this kind of transport cannot understand. */
  readonly invalidAddress: string;
}

/** One end of a link, with all that came to it. */
class End implements LinkHandler {
  readonly link: Link;
  readonly frames: Uint8Array[] = [];
  readonly closings: string[] = [];
  onFrame: (frame: Uint8Array) => void = () => {};

  constructor(link: Link) {
    this.link = link;
  }

  frame(frame: Uint8Array): void {
    this.frames.push(new Uint8Array(frame));
    this.onFrame(frame);
  }

  closed(reason: string): void {
    this.closings.push(reason);
  }
}

export function transportConformance(name: string, make: () => TransportWorld): void {
  describe(`${name} is a transport`, () => {
    let world: TransportWorld;
    const transports: Transport[] = [];
    const accepted: End[] = [];
    const dialled: End[] = [];
    const failures: { why: DialFailure; message: string }[] = [];

    const newTransport = (): Transport => {
      const transport = world.transport();
      transports.push(transport);
      return transport;
    };
    const accept = (link: Link): LinkHandler => {
      const end = new End(link);
      accepted.push(end);
      return end;
    };
    const dial = (transport: Transport, address: string): { abort(): void } =>
      transport.dial(address, {
        opened(link) {
          const end = new End(link);
          dialled.push(end);
          return end;
        },
        failed: (why, message) => failures.push({ why, message }),
      });
    const linked = async (): Promise<[End, End]> => {
      const { address } = await newTransport().listen(accept);
      dial(newTransport(), address);
      await world.until("both ends", () => accepted.length === 1 && dialled.length === 1);
      const [far] = accepted;
      const [near] = dialled;
      if (near === undefined || far === undefined) throw new Error("no link");
      return [near, far];
    };

    beforeEach(() => {
      world = make();
      for (const list of [transports, accepted, dialled, failures]) list.length = 0;
    });

    afterEach(async () => {
      for (const end of [...accepted, ...dialled]) end.link.close("end of test");
      for (const transport of transports) await transport.close();
    });

    it("frames arrive whole, in order and in both directions", async () => {
      const [near, far] = await linked();
      const sizes = [1, 0, 125, 126, 65_535, 65_536, 300_000, 2];
      const frames = sizes.map((size, index) => new Uint8Array(size).fill(index + 1));
      for (const frame of frames) {
        near.link.send(frame);
        far.link.send(frame);
      }
      const count = frames.length;
      const all = () => near.frames.length === count && far.frames.length === count;
      await world.until("all frames", all);
      for (const end of [near, far]) {
        expect(end.frames.map((frame) => frame.length)).toEqual(sizes);
        expect(end.frames.map((frame) => frame[0])).toEqual(frames.map((frame) => frame[0]));
      }
    });

    it("a frame sent from within a frame's arrival arrives", async () => {
      const [near, far] = await linked();
      far.onFrame = (frame) => far.link.send(frame.slice());
      near.link.send(new Uint8Array([7]));
      await world.until("the echo", () => near.frames.length === 1);
      expect([...(near.frames[0] ?? [])]).toEqual([7]);
    });

    it("send and dial call nobody back before they return", async () => {
      const [near, far] = await linked();
      near.link.send(new Uint8Array([1]));
      expect(far.frames).toEqual([]);
      dial(newTransport(), world.unusedAddress);
      dial(newTransport(), world.invalidAddress);
      expect(failures).toEqual([]);
      await world.until("the frame", () => far.frames.length === 1);
    });

    it("closing tells both ends once, and the other end gets the reason", async () => {
      const [near, far] = await linked();
      near.link.close("enough");
      near.link.close("more than enough");
      await world.until("both", () => near.closings.length > 0 && far.closings.length > 0);
      far.link.close("too late");
      expect(near.closings).toEqual(["enough"]);
      expect(far.closings).toEqual(["enough"]);
    });

    it("closing with flush first delivers what was sent", async () => {
      const [near, far] = await linked();
      for (let index = 0; index < 50; index++) near.link.send(new Uint8Array(20_000).fill(index));
      near.link.close("goodbye", true);
      await world.until("the end", () => far.closings.length > 0);
      expect(far.frames.length).toBe(50);
      expect(far.closings).toEqual(["goodbye"]);
    });

    it("once the transport is closed, what was flushed has gone out", async () => {
      const { address } = await newTransport().listen(accept);
      const dialling = newTransport();
      dial(dialling, address);
      await world.until("both ends", () => accepted.length === 1 && dialled.length === 1);
      for (let index = 0; index < 50; index++) {
        dialled[0]?.link.send(new Uint8Array(40_000).fill(index));
      }
      dialled[0]?.link.close("goodbye", true);
      await dialling.close();
      // Whoever exits the process now loses nothing.
      if (world.isReal) expect(accepted[0]?.frames.length).toBe(50);
      await world.until("the end", () => accepted[0]?.closings.length === 1);
      expect(accepted[0]?.frames.length).toBe(50);
    });

    it("nothing arrives at an end that has closed the link, nor leaves it", async () => {
      const [near, far] = await linked();
      near.link.close("done");
      near.link.send(new Uint8Array([1]));
      far.link.send(new Uint8Array([2]));
      await world.until("both", () => near.closings.length > 0 && far.closings.length > 0);
      expect(near.frames).toEqual([]);
      expect(far.frames).toEqual([]);
      expect(near.link.bufferedBytes()).toBe(0);
    });

    it("a link closed while a frame is handled delivers none of the frames behind it", async () => {
      const [near, far] = await linked();
      far.onFrame = () => far.link.close("one is enough");
      for (let index = 0; index < 10; index++) near.link.send(new Uint8Array([index]));
      await world.until("the end", () => near.closings.length > 0 && far.closings.length > 0);
      expect(far.frames.length).toBe(1);
    });

    it("bytes on their way are counted and then gone", async () => {
      const [near, far] = await linked();
      near.link.send(new Uint8Array(100_000));
      expect(near.link.bufferedBytes()).toBeGreaterThanOrEqual(100_000);
      await world.until("arrival", () => far.frames.length === 1);
      await world.until("empty", () => near.link.bufferedBytes() === 0);
    });

    it("a dial to where nobody listens is refused", async () => {
      dial(newTransport(), world.unusedAddress);
      await world.until("the failure", () => failures.length === 1);
      expect(failures[0]?.why).toBe("refused");
      expect(failures[0]?.message).not.toBe("");
    });

    it("an address of another kind is invalid", async () => {
      dial(newTransport(), world.invalidAddress);
      await world.until("the failure", () => failures.length === 1);
      expect(failures[0]?.why).toBe("invalid");
    });

    it("a dial that is aborted says nothing, and leaves no link behind", async () => {
      const { address } = await newTransport().listen(accept);
      dial(newTransport(), address).abort();
      dial(newTransport(), world.unusedAddress).abort();
      dial(newTransport(), world.unusedAddress);
      dial(newTransport(), address);
      await world.until("the others", () => failures.length === 1 && dialled.length === 1);
      await world.until("one link", () => accepted.filter((end) => !end.closings[0]).length === 1);
      expect(failures.length).toBe(1);
      expect(dialled.length).toBe(1);
    });

    it("after close nobody gets in, and open links go on", async () => {
      const listening = newTransport();
      const { address } = await listening.listen(accept);
      dial(newTransport(), address);
      await world.until("both ends", () => accepted.length === 1 && dialled.length === 1);
      await listening.close();
      dial(newTransport(), address);
      await world.until("the failure", () => failures.length === 1);
      expect(failures[0]?.why).toBe("refused");
      dialled[0]?.link.send(new Uint8Array([1]));
      await world.until("the frame", () => accepted[0]?.frames.length === 1);
    });
  });
}
