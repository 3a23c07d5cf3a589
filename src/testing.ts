/** For tests of code that uses Skein: links within one process. */
export { MemoryNetwork, type MemoryTransport } from "./cluster/memory-transport.ts";
