"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

const { unpack } = load();

/** A root, two frames of which the first stands again below the second, and small paths. */
const stored = () => ({
  compare: { before: "before.x", after: "after.x" },
  frames: { function: [4, 7, -1], key: [1, 0, 0] },
  tree: {
    depth: [0, 1, 1, 1, 0],
    frame: [-1, 0, 0, 1, -2],
    paths: [0, 2, 0, -1, 3],
    columns: [
      { name: "before.x", values: [5, 0, 9] },
      { name: "after.x", base: 0, values: [-5, 4, 2] },
    ],
    responsible: [1, 2],
    folded: [6],
    repeats: [[2, 3]],
  },
});

test("the stored form becomes what docs/payload.md describes", () => {
  const payload = stored();
  unpack(payload);
  const { frame, paths, columns, responsible, folded, repeats } = payload.tree;
  assert.deepEqual(payload.frames.key, [5, -1, -1]);
  assert.deepEqual(frame, [-1, 0, 1, 0, -2]);
  assert.deepEqual(paths, [0, 2, 0, 0, 3]);
  assert.deepEqual(
    columns.map((column) => column.values),
    [
      [0, 5, 0, 0, 9],
      [0, 0, 0, 4, 11],
    ],
  );
  assert.deepEqual(responsible, [1, 3]);
  assert.deepEqual(folded, [[4, 3, 8, 6]]);
  assert.deepEqual(repeats, [[2, 3]]);
});

test("nothing grew where nothing is compared", () => {
  const payload = stored();
  payload.compare = null;
  payload.tree.folded = [];
  unpack(payload);
  assert.deepEqual(payload.tree.folded, [[4, 3, 0, 0]]);
});
