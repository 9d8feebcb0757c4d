"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");
const { payloadOf, randomPaths, stacksOf } = require("./made.js");

const page = load();
const startsWith = (stack, start) => start.every((name, i) => stack[i] === name);

test("sums are those of the paths through a node", () => {
  for (let seed = 1; seed < 20; seed++) {
    const paths = randomPaths(seed, 60);
    const data = page.createData(payloadOf(paths));
    const stacks = stacksOf(data, data.tree, (frame) => page.frameName(data, frame));
    const oracle = (stack, value) =>
      paths.filter(([path]) => startsWith(path, stack)).reduce((sum, path) => sum + value(path), 0);
    stacks.forEach((stack, node) => {
      const sums = (key) => page.sumsOf(data, data.tree, key)[node];
      assert.equal(
        sums("after.retained_bytes"),
        oracle(stack, (path) => path[2]),
      );
      assert.equal(
        sums("before.retained_bytes|after.retained_bytes"),
        oracle(stack, (path) => Math.max(0, path[2] - path[1])),
      );
      assert.equal(
        page.changeOf(data, data.tree, node),
        oracle(stack, (path) => path[2] - path[1]),
      );
    });
  }
});

test("what is folded grew and shrank at once", () => {
  // Seven paths grew by 5 and shrank by 3: the difference is 2, and 3 is in both.
  const payload = payloadOf([[["f", "g"], 10, 12]]);
  Object.assign(payload.tree, { frame: [-1, 0, -2], paths: [0, 0, 7], folded: [3] });
  const data = page.createData(payload);
  assert.equal(page.sumsOf(data, data.tree, "before.retained_bytes|after.retained_bytes")[0], 5);
  assert.equal(page.wholeChange(data, 1), 5);
  assert.equal(page.wholeChange(data, -1), 3);
  assert.equal(page.nodeName(data, data.tree, 2), "7 small paths");
});

test("a column can be stored as what it differs by from another", () => {
  const payload = payloadOf([
    [["f"], 1, 4],
    [["g"], 3, 2],
  ]);
  const whole = page.createData(payload);
  const expected = page.sumsOf(whole, whole.tree, "after.retained_bytes");
  const [before, after] = payload.tree.columns;
  payload.tree.columns = [
    before,
    { name: "after.retained_bytes", base: 0, values: after.values.map((n, i) => n - before.values[i]) },
  ];
  const data = page.createData(payload);
  assert.deepEqual(page.sumsOf(data, data.tree, "after.retained_bytes"), expected);
  assert.equal(expected[0], 6);
});

test("subtrees end where the next node is not deeper", () => {
  const data = page.createData(payloadOf(randomPaths(3, 80)));
  const { depth, end, parent } = data.tree;
  depth.forEach((level, node) => {
    const behind = depth.findIndex((other, i) => i > node && other <= level);
    assert.equal(end[node], behind < 0 ? depth.length : behind);
    if (node) assert.equal(depth[parent[node]], level - 1);
  });
});

test("nodes say what they stand for", () => {
  const payload = payloadOf([[["f", "g", "h"], 1, 2]]);
  Object.assign(payload.tree, {
    frame: [-1, 0, -3, 3],
    repeats: [
      [1, 4],
      [2, 30],
    ],
  });
  const data = page.createData(payload);
  const names = [0, 1, 2, 3].map((node) => page.nodeName(data, data.tree, node));
  assert.deepEqual(names, ["all retained memory", "f \u00d74", "\u22ef 30 frames left out", "h"]);
});

test("frames without a function are called as in Python", () => {
  const payload = payloadOf([
    [["f"], 0, 1],
    [["lib_a"], 0, 1],
    [["lib_b"], 0, 1],
  ]);
  Object.assign(payload.frames, { function: [1, -1, -1], kind: [4, 1, 1] });
  Object.assign(payload.frames, { offset: [null, "0x1a2b", null], address: [null, "0x5", "0x48a1a2b"] });
  const data = page.createData(payload);
  const names = [0, 1, 2].map((frame) => page.frameName(data, frame));
  assert.deepEqual(names, ["[f]", "libfoo.so+0x1a2b", "0x48a1a2b (libfoo.so)"]);
});

test("a snapshot without a tree is drawn as the nearest that has one", () => {
  const snapshots = ["before.retained_bytes", null, null, "after.retained_bytes"].map((column) => ({ column }));
  const data = page.createData({ ...payloadOf([[["f"], 1, 2]]), snapshots });
  const drawn = [-1, 0, 1, 2, 3].map((snapshot) => page.drawnSnapshot(data, snapshot));
  assert.deepEqual(drawn, [-1, 0, 0, 3, 3]);
  assert.equal(page.weightKey(data, { mode: "after", snapshot: 1 }), "before.retained_bytes");
  assert.equal(page.weightKey(data, { mode: "before", snapshot: -1 }), "before.retained_bytes");
  const key = page.weightKey(data, { mode: "growth", snapshot: -1 });
  assert.equal(key, "before.retained_bytes|after.retained_bytes");
});

test("a node says in words what the graph shows in colour", () => {
  const data = page.createData(
    payloadOf([
      [["f"], 1024, 3072],
      [["g"], 4096, 1024],
      [["h"], 5, 5],
    ]),
  );
  const facts = [1, 2, 3].map((node) => page.factsOf(data, data.tree, node, "after.retained_bytes"));
  const byName = Object.fromEntries(facts.map((one) => [one.name, Object.values(one).slice(1)]));
  assert.deepEqual(byName, {
    f: ["1.00 KiB \u2192 3.00 KiB", "\u25b2 +2.00 KiB", "100% of all growth", 1],
    g: ["4.00 KiB \u2192 1.00 KiB", "\u25bc \u22123.00 KiB", "100% of all shrinkage", -1],
    h: ["5 B \u2192 5 B", "no change", "", 0],
  });
});

test("blocks are counted, not sized", () => {
  const payload = payloadOf([[["f"], 0, 2048]], { kind: "analysis" });
  Object.assign(payload, { compare: null, modes: [{ key: "blocks", title: "Blocks", column: "retained_blocks" }] });
  payload.tree.columns.push({ name: "retained_blocks", values: [2048] });
  const data = page.createData(payload);
  const facts = page.factsOf(data, data.tree, 0, "retained_blocks");
  assert.deepEqual([facts.name, facts.amounts, facts.share], ["all retained blocks", "2,048", "100% of all"]);
});

test("lost memory is what the leak search calls lost", () => {
  const payload = payloadOf(
    [
      [["f"], 1, 2],
      [["g"], 3, 5],
    ],
    { kind: "analysis" },
  );
  payload.tree.columns.push({ name: "definite_bytes", values: [1, 0] }, { name: "possible_bytes", values: [0, 2] });
  const data = page.createData(payload);
  assert.equal(page.lostOf(data, data.tree, 0), 3);
});
