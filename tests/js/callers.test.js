"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");
const { payloadOf, randomPaths, stacksOf } = require("./made.js");

const page = load();
const KEYS = ["after.retained_bytes", "before.retained_bytes", "before.retained_bytes|after.retained_bytes"];

test("callers hold the bytes of the paths that end in them", () => {
  for (let seed = 1; seed < 20; seed++) {
    const paths = randomPaths(seed, 60);
    const data = page.createData(payloadOf(paths));
    const tree = page.createCallers(data, KEYS);
    const stacks = stacksOf(data, tree, (frame) => page.frameName(data, frame));
    const expected = new Map();
    for (const [stack, before, after] of paths) {
      if (!before && !after) continue;
      const reversed = stack.slice().reverse();
      for (let n = 0; n <= reversed.length; n++) {
        const name = reversed.slice(0, n).join();
        expected.set(name, (expected.get(name) || 0) + after);
      }
    }
    assert.ok(expected.size > 60);
    const found = stacks.map((stack, node) => [stack.join(), page.sumsOf(data, tree, "after.retained_bytes")[node]]);
    assert.deepEqual(new Map(found), expected);
    assert.equal(found.length, expected.size);
    const growth = paths.reduce((sum, path) => sum + Math.max(0, path[2] - path[1]), 0);
    assert.equal(page.sumsOf(data, tree, "before.retained_bytes|after.retained_bytes")[0], growth);
  }
});

test("heavier callers come first, and subtrees hang together", () => {
  const data = page.createData(payloadOf(randomPaths(5, 90)));
  const tree = page.createCallers(data, KEYS);
  const sums = page.sumsOf(data, tree, "after.retained_bytes");
  tree.parent.forEach((parent, node) => {
    if (node) assert.equal(tree.depth[node], tree.depth[parent] + 1);
    if (node) assert.ok(node > parent && node < tree.end[parent] && tree.end[node] <= tree.end[parent]);
    let last = Infinity;
    for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) {
      assert.ok(sums[child] <= last);
      last = sums[child];
    }
  });
});

test("a node stands for the same frame in the call tree", () => {
  const data = page.createData(payloadOf(randomPaths(9, 60)));
  const tree = page.createCallers(data, KEYS);
  tree.origin.forEach((origin, node) => assert.equal(data.tree.frame[origin], tree.frame[node]));
});

test("a node of the call tree is found among the callers by its heaviest path", () => {
  const data = page.createData(
    payloadOf([
      [["main", "f", "lib_a"], 0, 9],
      [["main", "g", "lib_a"], 0, 5],
    ]),
  );
  const tree = page.createCallers(data, KEYS);
  const stacks = stacksOf(data, tree, (frame) => page.frameName(data, frame));
  const calls = stacksOf(data, data.tree, (frame) => page.frameName(data, frame));
  const place = (stack) =>
    stacks[
      page.placeAmongCallers(
        data,
        tree,
        calls.findIndex((one) => one.join() === stack),
      )
    ];
  assert.deepEqual(place("main"), ["lib_a", "f", "main"]);
  assert.deepEqual(place("main,g"), ["lib_a", "g"]);
  assert.deepEqual(place("main,f,lib_a"), ["lib_a"]);
  assert.equal(page.placeAmongCallers(data, tree, 0), 0);
  assert.equal(page.placeAmongCallers(data, tree, -1), -1);
});
