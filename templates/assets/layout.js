/**
 * The boxes that can be seen, in pre-order; what is above the zoomed node is as wide as the graph. A frame under half a pixel
 * hides all below it, so that the work is in what is drawn and not in what is stored.
 *
 * @type {(tree: Tree, sums: Float64Array, zoom: number, width: number) => Box[]}
 */
function boxesOf({ parent, end, depth }, sums, zoom, width) {
  /** @type {Box[]} */
  const boxes = [];
  for (let node = parent[zoom]; node >= 0; node = parent[node]) boxes.unshift({ node, x: 0, width });
  const scale = sums[zoom] ? width / sums[zoom] : 0;
  /** @type {number[]} where the next box of a row begins */
  const left = [];
  left[depth[zoom]] = 0;
  for (let node = zoom; node < end[zoom];) {
    const box = { node, x: left[depth[node]], width: sums[node] * scale };
    left[depth[node]] += box.width;
    left[depth[node] + 1] = box.x;
    const isSeen = box.width >= 0.5;
    if (isSeen) boxes.push(box);
    node = isSeen ? node + 1 : end[node];
  }
  return boxes;
}

/** The node at a place, or -1. @type {(tree: Tree, boxes: Box[], row: number, x: number) => number} */
function nodeAt(tree, boxes, row, x) {
  const found = boxes.find((box) => tree.depth[box.node] === row && box.x <= x && x < box.x + box.width);
  return found ? found.node : -1;
}

/** @type {(tree: Tree, node: number) => number[]} */
function childrenOf(tree, node) {
  const children = [];
  for (let child = node + 1; child < tree.end[node]; child = tree.end[child]) children.push(child);
  return children;
}

/** Where an arrow key leads; the node itself where there is none. @type {(tree: Tree, sums: Float64Array, node: number, key: string) => number} */
function neighbour(tree, sums, node, key) {
  const row = childrenOf(tree, key === "ArrowDown" ? node : tree.parent[node]).filter((child) => sums[child] > 0);
  if (key === "ArrowUp") return Math.max(tree.parent[node], 0);
  if (key === "ArrowDown") return row.length ? row[0] : node;
  return row[row.indexOf(node) + (key === "ArrowLeft" ? -1 : 1)] || node;
}

/** 0 neutral, 1 to 5 growth, -1 to -5 shrinkage, by the share of all of it. @type {(change: number, whole: number) => number} */
function colourStep(change, whole) {
  const share = whole ? Math.abs(change) / whole : 0;
  const step = [0.0005, 0.01, 0.1, 0.5, 0.9].filter((least) => share >= least).length;
  return change < 0 ? -step : step;
}
