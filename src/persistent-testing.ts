/** For those who write an adapter: the suite that every adapter passes. See doc/stores.md. */
export {
  type ConformanceCase,
  conformanceNames,
  storeConformance,
} from "./persistent/conformance/conformance.ts";
export type { ConformanceSubject } from "./persistent/conformance/trial.ts";
