/**
 * The tree from the allocator up: below each function those that call it, with the bytes that come through them.
 *
 * A node stands for a group of path ends, those that share their innermost frames; groups are parted by the next frame out,
 * and a stack of them gives pre-order. In a big tree, a group that is a negligible share of every mode is not parted. The
 * first key gives the order.
 *
 * @type {(data: Data, keys: string[]) => Tree}
 */
function createCallers(data, keys) {
  const { parent: callerOf, depth: levels, frame: frames } = data.tree;
  const owns = keys.map((key) => ownValues(data, key));
  const all = [...callerOf.keys()].filter((node) => node && owns.some((own) => own[node]));
  const least = all.reduce((steps, node) => steps + levels[node], 0) > 1e6 ? 2e-5 : 0;
  const leasts = keys.map((key) => sumsOf(data, data.tree, key)[0] * least);
  const spot = new Int32Array(callerOf.length);
  const [parent, depth, origin] = [[-1], [0], [0]];
  /** @type {{above: number, ends: number[], at: number[], weight: number}[]} */
  const waiting = [];

  /** @type {(node: number, ends: number[], at: number[]) => void} */
  const part = (node, ends, at) => {
    /** @type {Map<number, typeof waiting[0]>} */
    const parts = new Map();
    at.forEach((next, i) => {
      // Paths whose outermost frame is this node end here.
      if (!next) return;
      const of = frames[next];
      const one = parts.get(of) || { above: node, ends: [], at: [], weight: 0 };
      parts.set(of, one);
      one.ends.push(ends[i]);
      one.at.push(next);
      one.weight += owns[0][ends[i]];
    });
    const order = [...parts].sort(([a, one], [b, other]) => one.weight - other.weight || b - a);
    for (const [, one] of order) waiting.push(one);
  };

  part(0, all, all);
  for (let group = waiting.pop(); group; group = waiting.pop()) {
    const { above, ends, at } = group;
    const node = parent.push(above) - 1;
    depth.push(depth[above] + 1);
    origin.push(at[0]);
    for (const end of ends) spot[end] = node;
    const isWorth = owns.some((own, mode) => {
      let sum = 0;
      return ends.some((end) => (sum += own[end]) > leasts[mode]);
    });
    if (isWorth)
      part(
        node,
        ends,
        at.map((one) => callerOf[one]),
      );
  }
  const end = Int32Array.from(parent, (_, node) => node + 1);
  for (let node = end.length - 1; node > 0; node--) end[parent[node]] = Math.max(end[parent[node]], end[node]);
  return {
    parent: Int32Array.from(parent),
    end,
    depth: Uint16Array.from(depth),
    frame: Int32Array.from(origin, (node) => frames[node]),
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
