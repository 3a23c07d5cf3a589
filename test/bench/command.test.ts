import { expect, test } from "vitest";
import { BENCHMARKS, defaultNames } from "../../bench/benchmarks.ts";
import { parseCommand, usage } from "../../bench/command.ts";

test("without names all benchmarks are run but those that take too long", () => {
  expect(parseCommand([])?.names).toEqual(defaultNames());
  expect(defaultNames()).not.toContain("growth");
  expect(parseCommand(["growth"])?.names).toEqual(["growth"]);
});

test("each window is repeated five times unless it is said otherwise", () => {
  expect(parseCommand([])?.rounds).toBe(5);
  expect(parseCommand(["--rounds", "7"])?.rounds).toBe(7);
  expect(() => parseCommand(["--rounds", "0"])).toThrow('--rounds is "0", allowed are 1 to 100');
});

test("what is not known is refused with what is allowed", () => {
  expect(() => parseCommand(["heel"])).toThrow(/no benchmark "heel", there are .*heal/);
});

test("results are kept of whole runs only", () => {
  expect(() => parseCommand(["--write", "read"])).toThrow("--write is for all benchmarks");
  expect(() => parseCommand(["--write", "--quick"])).toThrow("--write is for all benchmarks");
  expect(parseCommand(["--write"])?.write).toBe(true);
  expect(parseCommand(["--write", ...defaultNames(), "growth"])?.write).toBe(true);
});

test("the usage names every benchmark", () => {
  expect(parseCommand(["--help"])).toBeNull();
  for (const name of Object.keys(BENCHMARKS)) expect(usage()).toContain(`  ${name} `);
});
