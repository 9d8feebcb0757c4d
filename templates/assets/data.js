"use strict";

/** What the page draws from, of the object in the page (docs/payload.md). @type {(payload: Payload) => Data} */
function createData(payload) {
  const { depth: steps, frame, columns, folded, repeats, responsible } = payload.tree;
  const size = steps.length;
  const parent = new Int32Array(size).fill(-1);
  const end = new Int32Array(size).fill(size);
  const depth = new Uint16Array(size);
  const path = [0];
  for (let i = 1, level = 0; i < size; i++) {
    const before = level;
    level += steps[i];
    for (let above = before; above >= level; above--) end[path[above]] = i;
    depth[i] = level;
    parent[i] = path[level - 1];
    path[level] = i;
  }
  /** @type {string[]} */
  const names = columns.map((/** @type {{name: string}} */ column) => column.name);
  return {
    payload,
    tree: { parent, end, depth, frame: new Int32Array(frame), origin: null, spot: null, sums: new Map(), found: null },
    own: new Map(),
    names: [],
    folded: new Map(folded.map((/** @type {number[]} */ row) => [row[0], row.slice(1)])),
    repeats: new Map(repeats),
    responsible: new Set(responsible),
    lost: names.filter((name) =>
      (names.includes("leaked_bytes") ? /^leaked_bytes$/ : /^(definite|indirect|possible)_bytes$/).test(name),
    ),
  };
}

/**
 * Own values per node of the call tree: those of a column, or with "from|to" how much more the second has than the first.
 *
 * @type {(data: Data, key: string) => Float64Array}
 */
function ownValues(data, key) {
  let values = data.own.get(key);
  if (values) return values;
  const [name, to] = key.split("|");
  if (to) {
    const less = ownValues(data, name);
    values = ownValues(data, to).map((amount, i) => Math.max(0, amount - less[i]));
    // Folded paths grew and shrank at once: both are given, and their difference says less.
    for (const [node, row] of data.folded) values[node] = row[to === data.payload.compare.after ? 1 : 2];
  } else {
    const { columns } = data.payload.tree;
    values = new Float64Array(columns.find((/** @type {{name: string}} */ column) => column.name === name).values);
  }
  data.own.set(key, values);
  return values;
}

/** What nodes hold with all below them; not to be changed. @type {(data: Data, tree: Tree, key: string) => Float64Array} */
function sumsOf(data, tree, key) {
  const sums = tree.sums.get(key) || summed(tree, ownValues(data, key));
  tree.sums.set(key, sums);
  return sums;
}

/** @type {(tree: Tree, own: Float64Array) => Float64Array} */
function summed({ parent, spot }, own) {
  const sums = spot ? new Float64Array(parent.length) : own.slice();
  if (spot) own.forEach((amount, node) => (sums[spot[node]] += amount));
  for (let i = sums.length - 1; i > 0; i--) sums[parent[i]] += sums[i];
  return sums;
}

/** The key of what widths show. @type {(data: Data, state: {mode: string, snapshot: number}) => string} */
function weightKey(data, state) {
  const { modes, snapshots } = data.payload;
  const { column } = snapshots[state.snapshot] || {};
  const mode = modes.find((/** @type {{key: string}} */ one) => one.key === state.mode) || modes[0];
  return column || mode.column || mode.before + "|" + mode.after;
}

/** After minus before. @type {OfNode<number>} */
function changeOf(data, tree, node) {
  const { before, after } = data.payload.compare;
  return sumsOf(data, tree, after)[node] - sumsOf(data, tree, before)[node];
}

/** All that grew; of a change below zero all that shrank. @type {(data: Data, change: number) => number} */
function wholeChange(data, change) {
  const { before, after } = data.payload.compare;
  return sumsOf(data, data.tree, change < 0 ? after + "|" + before : before + "|" + after)[0];
}

/** @type {OfNode<number>} */
function lostOf(data, tree, node) {
  return data.lost.reduce((sum, name) => sum + sumsOf(data, tree, name)[node], 0);
}

/** @type {(data: Data, frame: number, column: "function" | "module" | "file" | "key") => string} */
function frameText(data, frame, column) {
  return frame < 0 ? "" : data.payload.strings[data.payload.frames[column][frame]] || "";
}

/** The library by its file name. @type {OfFrame<string>} */
function libraryOf(data, frame) {
  return frameText(data, frame, "module").replace(/^.*\//, "");
}

/** The frame is the reader's own code. @type {OfFrame<boolean>} */
function isOwn(data, frame) {
  return frame >= 0 && data.payload.frames.flags[frame] % 2 === 1;
}

/** What a frame is called, as in render/phrases.py. @type {OfFrame<string>} */
function frameName(data, frame) {
  if (data.names[frame] === undefined) {
    const { kind, offset, address } = data.payload.frames;
    const [name, library] = [frameText(data, frame, "function"), libraryOf(data, frame)];
    if (name) data.names[frame] = kind[frame] === 4 ? "[" + name + "]" : name;
    else if (offset && offset[frame]) data.names[frame] = library + "+" + offset[frame];
    else data.names[frame] = ((address && address[frame]) || "???") + (library && " (" + library + ")");
  }
  return data.names[frame];
}

/** What a node is called. @type {OfNode<string>} */
function nodeName(data, tree, node) {
  const frame = tree.frame[node];
  const origin = tree.origin ? tree.origin[node] : node;
  const times = data.repeats.get(origin) || 1;
  if (frame === -1) return "all " + data.payload.document.metric.replace(/_bytes$/, "").replace(/_/g, " ") + " memory";
  if (frame === -2) return plural((data.folded.get(origin) || [0])[0], "small path");
  if (frame === -3) return "\u22ef " + plural(times, "frame") + " left out";
  return frameName(data, frame) + (times > 1 ? " \u00d7" + formatCount(times) : "");
}

/** @type {(data: Data, tree: Tree, node: number, key: string) => Facts} */
function factsOf(data, tree, node, key) {
  const name = nodeName(data, tree, node);
  const { compare } = data.payload;
  /** @type {(column: string, of?: number) => number} */
  const sum = (column, of = node) => sumsOf(data, tree, column)[of];
  if (!compare) {
    const change = data.lost.length ? formatBytes(lostOf(data, tree, node)) + " lost" : "";
    return {
      name,
      amounts: formatBytes(sum(key)),
      change,
      share: formatShare(sum(key), sum(key, 0)) + " of all",
      sign: 0,
    };
  }
  const change = changeOf(data, tree, node);
  const amounts = formatBytes(sum(compare.before)) + " \u2192 " + formatBytes(sum(compare.after));
  const share =
    formatShare(Math.abs(change), wholeChange(data, change)) + " of all " + (change < 0 ? "shrinkage" : "growth");
  return { name, amounts, change: markedChange(change), share: change ? share : "", sign: Math.sign(change) };
}

/** With a mark, so that colour says nothing alone. @type {Format} */
function markedChange(change) {
  return change ? (change > 0 ? "\u25b2 " : "\u25bc ") + formatChange(change) : "no change";
}
