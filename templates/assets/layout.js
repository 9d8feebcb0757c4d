"use strict";

/**
 * @typedef {{node: number, x: number, width: number}} Box in pixels of the graph; its row is the depth of the node
 */

/**
 * The boxes that can be seen, in pre-order. A frame narrower than half a pixel hides all below it, so that the work is in
 * what is drawn and not in what is stored. What is above the zoomed node is as wide as the graph.
 *
 * @param {Tree} tree
 * @param {Float64Array} sums at least 0
 * @param {number} zoom
 * @param {number} width
 * @returns {Box[]}
 */
function boxesOf(tree, sums, zoom, width) {
  const { parent, end, depth } = tree;
  /** @type {Box[]} */
  const boxes = [];
  for (let node = parent[zoom]; node >= 0; node = parent[node]) boxes.unshift({ node, x: 0, width });
  if (!sums[zoom]) return boxes;
  const scale = width / sums[zoom];
  /** @type {number[]} where the next box of a row begins */
  const left = [];
  left[depth[zoom]] = 0;
  for (let node = zoom, stop = end[zoom]; node < stop;) {
    const box = { node, x: left[depth[node]], width: sums[node] * scale };
    left[depth[node]] += box.width;
    if (box.width < 0.5) {
      node = end[node];
    } else {
      left[depth[node] + 1] = box.x;
      boxes.push(box);
      node++;
    }
  }
  return boxes;
}

/** @param {Tree} tree @param {Box[]} boxes @param {number} row @param {number} x @returns {number} the node there, or -1 */
function nodeAt(tree, boxes, row, x) {
  const found = boxes.find((box) => tree.depth[box.node] === row && box.x <= x && x < box.x + box.width);
  return found ? found.node : -1;
}

/** Children that are drawn. @param {Tree} tree @param {Float64Array} sums @param {number} node @returns {number[]} */
function childrenOf(tree, sums, node) {
  const found = [];
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) if (sums[child] > 0) found.push(child);
  return found;
}

/**
 * Where an arrow key leads.
 *
 * @param {Tree} tree
 * @param {Float64Array} sums
 * @param {number} node
 * @param {string} key
 * @returns {number} the node itself where there is none
 */
function neighbour(tree, sums, node, key) {
  const above = tree.parent[node];
  if (key === "ArrowUp") return above < 0 ? node : above;
  if (key === "ArrowDown") return childrenOf(tree, sums, node)[0] || node;
  if (above < 0) return node;
  const row = childrenOf(tree, sums, above);
  return row[row.indexOf(node) + (key === "ArrowLeft" ? -1 : 1)] || node;
}

/**
 * The step of the colour scale, by the share of all growth or of all shrinkage.
 *
 * @param {number} change
 * @param {number} whole all that grew where the change is above zero, else all that shrank
 * @returns {number} 0 neutral, 1 to 5 growth, -1 to -5 shrinkage
 */
function colourStep(change, whole) {
  const share = whole ? Math.abs(change) / whole : 0;
  const step = [0.0005, 0.01, 0.1, 0.5, 0.9].filter((least) => share >= least).length;
  return change < 0 ? -step : step;
}
