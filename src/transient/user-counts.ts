/**
 * Who is online, by domain: kept up with each change, so that counting never walks the table.
 * Telling it twice of one session changes nothing; most users have one, which takes no set.
 */

/** The users and their resources. A user without sessions takes no room. */
export class UserCounts {
  readonly #domains = new Map<string, Map<string, string | Set<string>>>();
  #users = 0;

  add(domain: string, user: string, resource: string): void {
    let users = this.#domains.get(domain);
    if (users === undefined) {
      users = new Map();
      this.#domains.set(domain, users);
    }
    const resources = users.get(user);
    if (resources === undefined) {
      this.#users++;
      users.set(user, resource);
    } else if (typeof resources !== "string") resources.add(resource);
    else if (resources !== resource) users.set(user, new Set([resources, resource]));
  }

  remove(domain: string, user: string, resource: string): void {
    const users = this.#domains.get(domain);
    const resources = users?.get(user);
    if (users === undefined || resources === undefined) return;
    if (typeof resources !== "string") {
      resources.delete(resource);
      if (resources.size > 0) return;
    } else if (resources !== resource) return;
    users.delete(user);
    this.#users--;
    if (users.size === 0) this.#domains.delete(domain);
  }

  clear(): void {
    this.#domains.clear();
    this.#users = 0;
  }

  /** Users with at least one session, of one domain or of all. */
  count(domain?: string): number {
    return domain === undefined ? this.#users : (this.#domains.get(domain)?.size ?? 0);
  }

  /** Users of a domain. */
  *users(domain: string): IterableIterator<string> {
    yield* this.#domains.get(domain)?.keys() ?? [];
  }
}
