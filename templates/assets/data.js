"use strict";

/**
 * A tree in pre-order, root first: the call tree of the payload, or the callers merged from it. One entry per node.
 *
 * @typedef {object} Tree
 * @property {Int32Array} parent -1 for the root
 * @property {Int32Array} end the node behind the last one below it
 * @property {Uint16Array} depth 0 for the root
 * @property {Int32Array} frame index into frames; -1 root, -2 small paths, -3 the middle of a deep stack
 * @property {Int32Array | null} origin a node of the call tree that it stands for; null in the call tree itself
 * @property {Int32Array | null} spot per node of the call tree, where its own bytes lie; null in the call tree itself
 * @property {Map<string, Float64Array>} sums of a node and all below it, as far as asked for
 * @property {Found | null} found by the last search
 *
 * @typedef {object} Data
 * @property {any} payload
 * @property {Tree} tree
 * @property {Map<string, Float64Array>} columns own values, as far as asked for
 * @property {string[]} names of frames, as far as asked for
 * @property {Map<number, number[]>} folded node: how many paths, their growth, their shrinkage
 * @property {Map<number, number>} repeats node: frames in a row, or frames left out
 * @property {Set<number>} responsible
 * @property {string[]} lost names of the columns whose sum is lost memory
 */

/**
 * What the page draws from, from the object that the payload holds (docs/payload.md).
 *
 * @param {any} payload
 * @returns {Data}
 */
function createData(payload) {
  const steps = payload.tree.depth;
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
  const columns = payload.tree.columns.map((/** @type {any} */ column) => column.name);
  const kinds = ["definite_bytes", "indirect_bytes", "possible_bytes"].filter((name) => columns.includes(name));
  return {
    payload,
    tree: {
      parent,
      end,
      depth,
      frame: new Int32Array(payload.tree.frame),
      origin: null,
      spot: null,
      sums: new Map(),
      found: null,
    },
    columns: new Map(),
    names: [],
    folded: new Map(payload.tree.folded.map((/** @type {number[]} */ row) => [row[0], row.slice(1)])),
    repeats: new Map(payload.tree.repeats),
    responsible: new Set(payload.tree.responsible),
    lost: columns.includes("leaked_bytes") ? ["leaked_bytes"] : kinds,
  };
}

/**
 * Own values per node of the call tree: of a column, or of two of them, "from|to", what the second has more than the first.
 *
 * @param {Data} data
 * @param {string} key
 * @returns {Float64Array}
 */
function ownValues(data, key) {
  const known = data.columns.get(key);
  if (known) return known;
  const [name, to] = key.split("|");
  let values;
  if (to) {
    const [less, more] = [ownValues(data, name), ownValues(data, to)];
    values = more.map((amount, i) => Math.max(0, amount - less[i]));
    // What is folded grew and shrank at once: the difference of its sums says less than the sums that are given.
    const side = to === data.payload.compare.after ? 1 : 2;
    for (const [node, row] of data.folded) values[node] = row[side];
  } else {
    const found = data.payload.tree.columns.find((/** @type {any} */ column) => column.name === name);
    values = new Float64Array(found.values);
  }
  data.columns.set(key, values);
  return values;
}

/**
 * What a node holds with all below it.
 *
 * @param {Data} data
 * @param {Tree} tree
 * @param {string} key as for own values
 * @returns {Float64Array} one per node, not to be changed
 */
function sumsOf(data, tree, key) {
  let sums = tree.sums.get(key);
  if (!sums) {
    sums = summed(tree, ownValues(data, key));
    tree.sums.set(key, sums);
  }
  return sums;
}

/** @param {Tree} tree @param {Float64Array} own per node of the call tree @returns {Float64Array} */
function summed(tree, own) {
  const { parent, spot } = tree;
  const sums = spot ? new Float64Array(parent.length) : own.slice();
  if (spot) for (let i = 0; i < own.length; i++) sums[spot[i]] += own[i];
  for (let i = sums.length - 1; i > 0; i--) sums[parent[i]] += sums[i];
  return sums;
}

/** What widths show: the key of own values and sums. @param {Data} data @param {State} state @returns {string} */
function weightKey(data, state) {
  const { modes, snapshots } = data.payload;
  const mode = modes.find((/** @type {any} */ one) => one.key === state.mode) || modes[0];
  const snapshot = snapshots[state.snapshot];
  if (snapshot && snapshot.column) return snapshot.column;
  return mode.column || mode.before + "|" + mode.after;
}

/** After minus before, of the node and all below it. @param {Data} data @param {Tree} tree @param {number} node @returns {number} */
function changeOf(data, tree, node) {
  const { before, after } = data.payload.compare;
  return sumsOf(data, tree, after)[node] - sumsOf(data, tree, before)[node];
}

/** All that grew, or all that shrank, whichever way the change goes. @param {Data} data @param {number} change @returns {number} */
function wholeChange(data, change) {
  const { before, after } = data.payload.compare;
  return sumsOf(data, data.tree, change < 0 ? after + "|" + before : before + "|" + after)[0];
}

/** @param {Data} data @param {Tree} tree @param {number} node @returns {number} lost bytes of the node and all below it */
function lostOf(data, tree, node) {
  return data.lost.reduce((sum, name) => sum + sumsOf(data, tree, name)[node], 0);
}

/** @param {Data} data @param {number} frame @param {"function" | "module" | "file" | "key"} column @returns {string} */
function frameText(data, frame, column) {
  const index = frame < 0 ? -1 : data.payload.frames[column][frame];
  return index < 0 ? "" : data.payload.strings[index];
}

/** The library by its file name. @param {Data} data @param {number} frame @returns {string} */
function libraryOf(data, frame) {
  return frameText(data, frame, "module").replace(/^.*\//, "");
}

/** @param {Data} data @param {number} frame @returns {boolean} the frame is the reader's own code */
function isOwn(data, frame) {
  return frame >= 0 && (data.payload.frames.flags[frame] & 1) === 1;
}

/** What a frame is called, as in render/phrases.py. @param {Data} data @param {number} frame @returns {string} */
function frameName(data, frame) {
  if (data.names[frame] === undefined) {
    const { kind, offset, address } = data.payload.frames;
    const name = frameText(data, frame, "function");
    const library = libraryOf(data, frame);
    let text = name && kind[frame] === 4 ? "[" + name + "]" : name;
    if (!text && offset && offset[frame]) text = library + "+" + offset[frame];
    if (!text) text = ((address && address[frame]) || "???") + (library && " (" + library + ")");
    data.names[frame] = text;
  }
  return data.names[frame];
}

/** What a node is called. @param {Data} data @param {Tree} tree @param {number} node @returns {string} */
function nodeName(data, tree, node) {
  const frame = tree.frame[node];
  if (frame === -1) return "all " + data.payload.document.metric.replace(/_bytes$/, "").replace(/_/g, " ") + " memory";
  const origin = tree.origin ? tree.origin[node] : node;
  if (frame === -2) return plural((data.folded.get(origin) || [0])[0], "small path");
  const times = data.repeats.get(origin) || 1;
  if (frame === -3) return "\u22ef " + plural(times, "frame") + " left out";
  return frameName(data, frame) + (times > 1 ? " \u00d7" + formatCount(times) : "");
}

/**
 * What a node says of itself.
 *
 * @typedef {{name: string, amounts: string, change: string, share: string, sign: number}} Facts
 *
 * @param {Data} data
 * @param {Tree} tree
 * @param {number} node
 * @param {string} key what widths show
 * @returns {Facts}
 */
function factsOf(data, tree, node, key) {
  const name = nodeName(data, tree, node);
  const { compare } = data.payload;
  if (!compare) {
    const [amount, whole] = [node, 0].map((one) => sumsOf(data, tree, key)[one]);
    const lost = data.lost.length ? formatBytes(lostOf(data, tree, node)) + " lost" : "";
    return { name, amounts: formatBytes(amount), change: lost, share: formatShare(amount, whole) + " of all", sign: 0 };
  }
  const [before, after] = [compare.before, compare.after].map((column) => sumsOf(data, tree, column)[node]);
  const change = after - before;
  const share =
    formatShare(Math.abs(change), wholeChange(data, change)) + " of all " + (change < 0 ? "shrinkage" : "growth");
  return {
    name,
    amounts: formatBytes(before) + " \u2192 " + formatBytes(after),
    change: markedChange(change),
    share: change ? share : "",
    sign: Math.sign(change),
  };
}

/** @param {number} change @returns {string} with a mark, so that colour says nothing alone */
function markedChange(change) {
  return change ? (change > 0 ? "\u25b2 " : "\u25bc ") + formatChange(change) : "no change";
}
