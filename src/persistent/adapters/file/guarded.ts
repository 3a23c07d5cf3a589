/** A driver that asks, before each call, whether its adapter is still open. */
import type { ArchiveDriver, RowsDriver } from "../../contract/driver.ts";

/** The same driver; each call rejects with what `check` throws. */
export function guarded<T extends RowsDriver | ArchiveDriver>(driver: T, check: () => void): T {
  return new Proxy(driver, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        check();
        return member.apply(target, args);
      };
    },
  });
}
