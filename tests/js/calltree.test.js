"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");
const { payloadOf } = require("./made.js");

const page = load();
const PATHS = [
  [["main", "lib_a", "lib_b", "lib_c", "lib_d"], 1, 9],
  [["main", "work"], 5, 5],
  [["main", "idle"], 0, 0],
];
const data = page.createData(payloadOf(PATHS));
const at = (name) => data.tree.frame.findIndex((frame) => frame >= 0 && page.frameName(data, frame) === name);
const shown = (open, unfolded = []) =>
  page
    .openRows(data, "after.retained_bytes", new Set(open), new Set(unfolded))
    .map((row) => [row.level, page.nodeName(data, data.tree, row.node), row.folded, row.isOpen, row.hasMore]);

test("closed rows hide what is below them", () => {
  assert.deepEqual(shown([]), [[1, "all retained memory", 0, false, true]]);
  assert.deepEqual(shown([0]).slice(1), [[2, "main", 0, false, true]]);
});

test("a chain of library frames is one row, and what holds nothing is none", () => {
  assert.deepEqual(shown([0, at("main")]).slice(2), [
    [3, "lib_a", 3, false, true],
    [3, "work", 0, false, false],
  ]);
});

test("an unfolded chain is shown frame by frame", () => {
  const chain = ["lib_a", "lib_b", "lib_c"].map(at);
  assert.deepEqual(
    shown([0, at("main"), ...chain], chain).map((row) => row[1]),
    ["all retained memory", "main", "lib_a", "lib_b", "lib_c", "lib_d", "work"],
  );
});

test("a chain stops where a path ends, and at the reader's own code", () => {
  const stack = ["lib_a", "lib_b", "lib_c", "lib_d", "f"];
  const ending = page.createData(
    payloadOf([
      [["lib_a"], 1, 1],
      [stack, 2, 3],
    ]),
  );
  assert.deepEqual(
    [1, 2, 3, 5].map((node) => page.chainBelow(ending, node)),
    [0, 2, 0, 0],
  );
});
