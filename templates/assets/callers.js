"use strict";

/**
 * The tree from the allocator up: below each function those that call it, with the bytes that come through them.
 *
 * A node is a slice of the list of path ends: those that share their innermost frames. Slices are parted by the next frame
 * out; a stack of them gives pre-order. In a big tree, a slice that is a negligible share of every mode is not parted. The
 * first key gives the order.
 *
 * @type {(data: Data, keys: string[]) => Tree}
 */
function createCallers(data, keys) {
  const { parent: above, depth: levels, frame } = data.tree;
  const owns = keys.map((key) => ownValues(data, key));
  const ends = new Int32Array(above.length)
    .map((_, node) => node)
    .filter((node) => node && owns.some((own) => own[node]));
  const at = ends.slice();
  const least = ends.reduce((steps, node) => steps + levels[node], 0) > 1e6 ? 2e-5 : 0;
  const leasts = keys.map((key) => sumsOf(data, data.tree, key)[0] * least);
  const spot = new Int32Array(above.length);
  /** @type {{parent: number, depth: number, from: number, to: number}[]} */
  const waiting = [];
  const [parent, depth, origin] = [[-1], [0], [0]];

  // Per frame, -3 and up, the part of the slice at hand that it leads to.
  const places = new Int32Array(data.payload.frames.function.length + 3).fill(-1);
  const spare = [new Int32Array(ends.length), new Int32Array(ends.length)];

  /** @type {(node: number, from: number, to: number) => void} */
  const part = (node, from, to) => {
    if (to - from === 1) {
      if (at[from]) waiting.push({ parent: node, depth: depth[node] + 1, from, to });
      return;
    }
    // Paths whose outermost frame is this node end here: their key is that of the root.
    const keyOf = (/** @type {number} */ i) => frame[at[i]] + 3;
    /** @type {{key: number, count: number, weight: number, to: number}[]} */
    const parts = [];
    for (let i = from; i < to; i++) {
      const key = keyOf(i);
      if (places[key] < 0) places[key] = parts.push({ key, count: 0, weight: 0, to: 0 }) - 1;
      parts[places[key]].count++;
      parts[places[key]].weight += owns[0][ends[i]];
    }
    const order = parts.slice().sort((a, b) => a.weight - b.weight || b.key - a.key);
    order.reduce((start, one) => (one.to = start) - one.count, to);
    for (const one of order)
      if (one.key !== 2) waiting.push({ parent: node, depth: depth[node] + 1, from: one.to - one.count, to: one.to });
    for (let i = from; i < to; i++) {
      const next = --parts[places[keyOf(i)]].to;
      spare[0][next] = ends[i];
      spare[1][next] = at[i];
    }
    ends.set(spare[0].subarray(from, to), from);
    at.set(spare[1].subarray(from, to), from);
    for (const one of parts) places[one.key] = -1;
  };

  part(0, 0, ends.length);
  for (let slice = waiting.pop(); slice; slice = waiting.pop()) {
    const { from, to } = slice;
    const node = parent.push(slice.parent) - 1;
    depth.push(slice.depth);
    origin.push(at[from]);
    for (let i = from; i < to; i++) {
      spot[ends[i]] = node;
      at[i] = above[at[i]];
    }
    const isWorth = owns.some((own, mode) => {
      let sum = 0;
      for (let i = from; i < to && sum <= leasts[mode]; i++) sum += own[ends[i]];
      return sum > leasts[mode];
    });
    if (isWorth) part(node, from, to);
  }
  const end = Int32Array.from(parent, (_, node) => node + 1);
  for (let node = end.length - 1; node > 0; node--) end[parent[node]] = Math.max(end[parent[node]], end[node]);
  const frames = Int32Array.from(origin, (node) => frame[node]);
  return {
    parent: Int32Array.from(parent),
    end,
    depth: Uint16Array.from(depth),
    frame: frames,
    origin: Int32Array.from(origin),
    spot,
    sums: new Map(),
    found: null,
  };
}

/** The place of a node of the call tree among the callers, along its heaviest path. @type {OfNode<number>} */
function placeAmongCallers(data, tree, node) {
  const { depth, end } = data.tree;
  if (node <= 0 || !tree.spot) return node;
  let leaf = node;
  while (!tree.spot[leaf] && end[leaf] > leaf + 1) leaf++;
  let place = tree.spot[leaf];
  while (tree.depth[place] > depth[leaf] - depth[node] + 1) place = tree.parent[place];
  return place;
}
