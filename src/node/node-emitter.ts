/** The events of a node, whose listeners cannot stop it in the middle of something. */
import { EventEmitter } from "node:events";
import type { NodeEvents } from "./node-events.ts";

const LISTENERS_MAX = 1000;

/** An emitter, and a way to emit that does not throw. */
export class NodeEmitter extends EventEmitter<NodeEvents> {
  constructor() {
    super();
    this.setMaxListeners(LISTENERS_MAX);
  }

  /** Emits; what a listener throws goes to the host. */
  tell<E extends keyof NodeEvents>(event: E, ...args: NodeEvents[E]): void {
    try {
      this.emit(event, ...(args as never));
    } catch (error) {
      throwLater(error);
    }
  }
}

/** Hands what a listener threw to the host, as if no one had called it. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
