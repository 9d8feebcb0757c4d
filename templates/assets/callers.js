"use strict";

/**
 * The tree from the allocator up: below each function those that call it, with the bytes that come through them.
 *
 * A node is a slice of a list of path ends that share their innermost frames. Slices are parted by the next frame out and
 * visited with a stack, so that the result is in pre-order like the call tree. In a big tree, slices that are a negligible
 * share of every mode are not parted further.
 *
 * @param {Data} data
 * @param {string[]} keys of own values; the first gives the order
 * @returns {Tree}
 */
function createCallers(data, keys) {
  const { parent: above, depth: levels, frame: frames } = data.tree;
  const owns = keys.map((key) => ownValues(data, key));
  const totals = keys.map((key) => sumsOf(data, data.tree, key)[0]);
  const [weights, spot] = [owns[0], new Int32Array(above.length)];
  /** @type {number[]} */
  const found = [];
  let steps = 0;
  for (let node = 1; node < above.length; node++) {
    if (!owns.some((own) => own[node] > 0)) continue;
    found.push(node);
    steps += levels[node];
  }
  const least = steps > 1e6 ? 2e-5 : 0;
  const ends = Int32Array.from(found);
  const at = ends.slice();
  const spare = [new Int32Array(ends.length), new Int32Array(ends.length)];
  // Per frame, with room for the two kinds of folded nodes: its place among the parts of the slice at hand.
  const places = new Int32Array(data.payload.frames.function.length + 4).fill(-1);
  /** @type {{parent: number, from: number, to: number, depth: number}[]} */
  const waiting = [];
  /** @type {number[]} */
  const parent = [-1];
  /** @type {number[]} */
  const depth = [0];
  /** @type {number[]} */
  const origin = [0];

  /** @param {number} node @param {number} from @param {number} to */
  function part(node, from, to) {
    /** @type {{key: number, count: number, weight: number, next: number}[]} */
    const parts = [];
    for (let i = from; i < to; i++) {
      const key = at[i] > 0 ? frames[at[i]] + 4 : 0;
      if (places[key] < 0) places[key] = parts.push({ key, count: 0, weight: 0, next: 0 }) - 1;
      parts[places[key]].count++;
      parts[places[key]].weight += weights[ends[i]];
    }
    const order = parts.slice().sort((a, b) => b.weight - a.weight || a.key - b.key);
    let next = from;
    for (const one of order) {
      one.next = next;
      next += one.count;
    }
    for (let i = from; i < to; i++) {
      const one = parts[places[at[i] > 0 ? frames[at[i]] + 4 : 0]];
      spare[0][one.next] = ends[i];
      spare[1][one.next++] = at[i];
    }
    ends.set(spare[0].subarray(from, to), from);
    at.set(spare[1].subarray(from, to), from);
    for (const one of order.reverse()) {
      places[one.key] = -1;
      // Paths whose outermost frame is this node end here.
      if (one.key) waiting.push({ parent: node, from: one.next - one.count, to: one.next, depth: depth[node] + 1 });
    }
  }

  /** @param {number} from @param {number} to */
  function isWorthParting(from, to) {
    if (!least) return true;
    return owns.some((own, mode) => {
      let sum = 0;
      for (let i = from; i < to; i++) sum += own[ends[i]];
      return sum > totals[mode] * least;
    });
  }

  part(0, 0, ends.length);
  for (let slice = waiting.pop(); slice; slice = waiting.pop()) {
    const node = parent.push(slice.parent) - 1;
    depth.push(slice.depth);
    origin.push(at[slice.from]);
    for (let i = slice.from; i < slice.to; i++) {
      spot[ends[i]] = node;
      at[i] = above[at[i]];
    }
    if (isWorthParting(slice.from, slice.to)) part(node, slice.from, slice.to);
  }
  return asTree(data, parent, depth, origin, spot);
}

/** @param {Data} data @param {number[]} parent @param {number[]} depth @param {number[]} origin @param {Int32Array} spot @returns {Tree} */
function asTree(data, parent, depth, origin, spot) {
  const end = new Int32Array(parent.length);
  for (let node = parent.length - 1; node >= 0; node--) {
    end[node] = Math.max(end[node], node + 1);
    if (node) end[parent[node]] = Math.max(end[parent[node]], end[node]);
  }
  return {
    parent: Int32Array.from(parent),
    end,
    depth: Uint16Array.from(depth),
    frame: Int32Array.from(origin, (node) => data.tree.frame[node]),
    origin: Int32Array.from(origin),
    spot,
    sums: new Map(),
    found: null,
  };
}

/** The place of a node of the call tree among the callers, along its heaviest path. @param {Data} data @param {Tree} tree @param {number} node @returns {number} */
function placeAmongCallers(data, tree, node) {
  if (node <= 0 || !tree.spot) return node;
  const { depth, end } = data.tree;
  let leaf = node;
  while (!tree.spot[leaf] && end[leaf] > leaf + 1) leaf++;
  let place = tree.spot[leaf];
  while (tree.depth[place] > depth[leaf] - depth[node] + 1) place = tree.parent[place];
  return place;
}
