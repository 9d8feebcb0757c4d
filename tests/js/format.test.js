"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { sharedCases } = require("./cases.js");
const { load } = require("./load.js");

const page = load();
const RULES = {
  bytes: page.formatBytes,
  exact: page.formatExactBytes,
  count: page.formatCount,
  change: (change) => (change ? page.markedChange("retained_bytes", change).slice(2) : page.formatBytes(change)),
  share: (pair) => page.formatShare(...pair),
};

test("the script formats as Python does", () => {
  const cases = sharedCases("format_cases.json").filter((row) => row.rule in RULES);
  assert.ok(cases.length >= 60);
  for (const { rule, input, output } of cases) assert.equal(RULES[rule](input), output, `${rule} ${input}`);
});

test("counts carry their noun", () => {
  assert.equal(page.plural(1, "block"), "1 block");
  assert.equal(page.plural(1200, "block"), "1,200 blocks");
  assert.equal(page.plural(2, "library", "libraries"), "2 libraries");
});
