/** The few things that Skein asks of a relational database. Types only. */

/** The SQL databases that Skein can speak to. */
export type SqlDialect = "sqlite" | "postgres" | "mysql" | "cockroach";

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, unknown>>;
