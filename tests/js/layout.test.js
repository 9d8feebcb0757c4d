"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");
const { payloadOf, randomPaths } = require("./made.js");

const page = load();
const madeTree = (seed) => page.createData(payloadOf(randomPaths(seed, 120)));

test("children lie inside their parent, side by side, as wide as they weigh", () => {
  for (let seed = 1; seed < 20; seed++) {
    const data = madeTree(seed);
    const sums = page.sumsOf(data, data.tree, "after.retained_bytes");
    const boxes = page.boxesOf(data.tree, sums, 0, 1000);
    const byNode = new Map(boxes.map((box) => [box.node, box]));
    const right = new Map();
    for (const box of boxes) {
      assert.ok(Math.abs(box.width - (sums[box.node] / sums[0]) * 1000) < 1e-6);
      const above = byNode.get(data.tree.parent[box.node]);
      if (!above) continue;
      assert.ok(box.x >= (right.get(above.node) || above.x) - 1e-9);
      right.set(above.node, box.x + box.width);
      assert.ok(box.x + box.width <= above.x + above.width + 1e-9);
    }
  }
});

test("what is narrower than half a pixel is left out with all below it, and nothing else", () => {
  const data = madeTree(4);
  const sums = page.sumsOf(data, data.tree, "after.retained_bytes");
  const shown = new Set(page.boxesOf(data.tree, sums, 0, 60).map((box) => box.node));
  sums.forEach((sum, node) => assert.equal(shown.has(node), (sum / sums[0]) * 60 >= 0.5));
});

test("a zoomed node and all above it fill the width", () => {
  const data = madeTree(2);
  const sums = page.sumsOf(data, data.tree, "after.retained_bytes");
  const zoom = data.tree.depth.findIndex((level, node) => level === 3 && sums[node] > 0);
  const boxes = page.boxesOf(data.tree, sums, zoom, 500);
  assert.deepEqual(
    boxes.slice(0, 4).map((box) => [data.tree.depth[box.node], box.x, box.width]),
    [0, 1, 2, 3].map((level) => [level, 0, 500]),
  );
  assert.ok(boxes.slice(4).every((box) => box.node > zoom && box.node < data.tree.end[zoom]));
});

test("hits find the box under a point, and nothing beside it", () => {
  const data = madeTree(7);
  const boxes = page.boxesOf(data.tree, page.sumsOf(data, data.tree, "after.retained_bytes"), 0, 800);
  for (const box of boxes) {
    assert.equal(page.nodeAt(data.tree, boxes, data.tree.depth[box.node], box.x + box.width / 2), box.node);
  }
  assert.equal(page.nodeAt(data.tree, boxes, 200, 10), -1);
  assert.equal(page.nodeAt(data.tree, boxes, 0, 800), -1);
});

test("arrow keys go to parent, first child and siblings, and stay where there is none", () => {
  const data = page.createData(
    payloadOf([
      [["f", "a"], 0, 9],
      [["f", "b"], 0, 5],
      [["f", "gone"], 3, 0],
      [["g"], 0, 1],
    ]),
  );
  const sums = page.sumsOf(data, data.tree, "after.retained_bytes");
  const at = (name) => data.tree.frame.findIndex((frame) => frame >= 0 && page.frameName(data, frame) === name);
  const go = (from, key) => page.neighbour(data.tree, sums, at(from), key);
  assert.equal(go("f", "ArrowDown"), at("a"));
  assert.equal(go("a", "ArrowRight"), at("b"));
  assert.equal(go("b", "ArrowRight"), at("b"));
  assert.equal(go("b", "ArrowLeft"), at("a"));
  assert.equal(go("a", "ArrowLeft"), at("a"));
  assert.equal(go("b", "ArrowUp"), at("f"));
  assert.equal(go("a", "ArrowDown"), at("a"));
  assert.equal(page.neighbour(data.tree, sums, 0, "ArrowUp"), 0);
  assert.equal(page.neighbour(data.tree, sums, 0, "ArrowRight"), 0);
});

test("steps of colour begin at 0.05, 1, 10, 50 and 90 percent of what grew or shrank", () => {
  const steps = [0, 4, 5, 99, 100, 999, 1000, 4999, 5000, 8999, 9000, 10000].map((n) => page.colourStep(n, 10000));
  assert.deepEqual(steps, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  assert.equal(page.colourStep(-600, 1000), -4);
  assert.equal(page.colourStep(0, 0), 0);
});
