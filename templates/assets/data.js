/** What the page draws from, of the object in the page (docs/payload.md). @type {(payload: Payload) => Data} */
function createData(payload) {
  const { depth: steps, frame: frames, paths, columns, folded, repeats, responsible } = payload.tree;
  const size = steps.length;
  const parent = new Int32Array(size).fill(-1);
  const end = new Int32Array(size).fill(size);
  const depth = new Uint16Array(size);
  const frame = new Int32Array(size);
  const holders = new Int32Array(size);
  let held = 0;
  /** @type {Map<number, number>} */
  const both = new Map();
  const way = [0];
  for (let i = 0, level = 0, known = 0; i < size; i++) {
    frame[i] = frames[i] < 0 ? frames[i] : (frames[i] || ++known) - 1;
    if (paths[i]) holders[held++] = i;
    if (frame[i] === -2) both.set(i, folded[both.size] || 0);
    const before = level;
    level += steps[i];
    for (let above = before; i && above >= level; above--) end[way[above]] = i;
    depth[i] = level;
    if (i) parent[i] = way[level - 1];
    way[level] = i;
  }
  /** @type {string[]} */
  const names = columns.map((/** @type {{name: string}} */ column) => column.name);
  const lost = names.includes("leaked_bytes") ? /^leaked_bytes$/ : /^(definite|indirect|possible)_bytes$/;
  let last = 0;
  return {
    ...payload,
    stored: payload.tree,
    tree: { parent, end, depth, frame, origin: null, spot: null, sums: new Map(), found: null },
    holders: holders.subarray(0, held),
    own: new Map(),
    names: [],
    both,
    repeats: new Map(repeats),
    responsible: new Set(responsible.map((/** @type {number} */ step) => (last += step))),
    lost: names.filter((name) => lost.test(name)),
  };
}

/**
 * Own values per node of the call tree: those of a column, or with "from|to" how much more the second has than the first.
 *
 * @type {(data: Data, key: string) => Float64Array}
 */
function ownValues(data, key) {
  const known = data.own.get(key);
  if (known) return known;
  const [name, to] = key.split("|");
  const values = new Float64Array(data.tree.parent.length);
  const { columns } = data.stored;
  const column = columns.find((/** @type {{name: string}} */ one) => one.name === name);
  if (to) {
    const [less, more] = [ownValues(data, name), ownValues(data, to)];
    for (const node of data.holders) values[node] = Math.max(0, more[node] - less[node]);
  } else {
    const base = column.base >= 0 ? ownValues(data, columns[column.base].name) : values;
    data.holders.forEach((node, i) => (values[node] = column.values[i] + base[node]));
  }
  // Folded paths grew and shrank at once: so much is in neither difference.
  if (to) for (const [node, amount] of data.both) values[node] += amount;
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

/** The snapshot that is drawn: the chosen one, or the nearest that has a tree; -1 for the judged one. @type {(data: Data, chosen: number) => number} */
function drawnSnapshot(data, chosen) {
  const { snapshots } = data;
  const known = [...snapshots.keys()].filter((one) => snapshots[one].column);
  if (chosen < 0 || !known.length) return -1;
  return known[nearest(known, chosen)];
}

/** The key of what widths show. @type {(data: Data, state: {mode: string, snapshot: number}) => string} */
function weightKey(data, state) {
  const { modes, snapshots } = data;
  const snapshot = drawnSnapshot(data, state.snapshot);
  if (snapshot >= 0) return snapshots[snapshot].column;
  const mode = modes.find((/** @type {{key: string}} */ one) => one.key === state.mode) || modes[0];
  return mode.column || `${mode.before}|${mode.after}`;
}

/** After minus before. @type {OfNode<number>} */
function changeOf(data, tree, node) {
  const { before, after } = data.compare;
  return sumsOf(data, tree, after)[node] - sumsOf(data, tree, before)[node];
}

/** All that grew; of a change below zero all that shrank. @type {(data: Data, change: number) => number} */
function wholeChange(data, change) {
  const { before, after } = data.compare;
  return sumsOf(data, data.tree, change < 0 ? `${after}|${before}` : `${before}|${after}`)[0];
}

/** @type {OfNode<number>} */
function lostOf(data, tree, node) {
  return data.lost.reduce((sum, name) => sum + sumsOf(data, tree, name)[node], 0);
}

/** @type {(data: Data, frame: number, column: "function" | "module" | "file") => string} */
function frameText(data, frame, column) {
  return frame < 0 ? "" : data.strings[data.frames[column][frame]] || "";
}

/** The library by its file name. @type {OfFrame<string>} */
function libraryOf(data, frame) {
  return frameText(data, frame, "module").replace(/^.*\//, "");
}

/** File and line with so many parts of its path, else the library. @type {(data: Data, frame: number, parts?: number) => string} */
function placeOf(data, frame, parts = 2) {
  const file = frameText(data, frame, "file").split("/").slice(-parts).join("/");
  const line = data.frames.line[frame];
  return file ? file + (line ? `:${line}` : "") : libraryOf(data, frame);
}

/** The frame is the reader's own code. @type {OfFrame<boolean>} */
function isOwn(data, frame) {
  return frame >= 0 && data.frames.flags[frame] % 2 === 1;
}

/** What a frame is called, as in render/phrases.py. @type {OfFrame<string>} */
function frameName(data, frame) {
  if (data.names[frame] === undefined) {
    const { kind, offset, address } = data.frames;
    const [name, library] = [frameText(data, frame, "function"), libraryOf(data, frame)];
    if (name) data.names[frame] = kind[frame] === 4 ? `[${name}]` : name;
    else if (offset?.[frame]) data.names[frame] = `${library}+${offset[frame]}`;
    else data.names[frame] = (address?.[frame] || "???") + (library && ` (${library})`);
  }
  return data.names[frame];
}

/** What the root holds, by the first mode. @type {(data: Data) => string} */
function wholeName(data) {
  const { column, after } = data.modes[0];
  const [, what, unit] = /(\w+?)_(bytes|\w+)(?:\.\d+)?$/.exec(column || after) || ["", column || after, ""];
  return `${what.replace(/_/g, " ")} ${unit === "bytes" ? "memory" : unit}`;
}

/** The node of the call tree that a node stands for. @type {(tree: Tree, node: number) => number} */
function originOf({ origin }, node) {
  return origin && node > 0 ? origin[node] : node;
}

/** What a node is called. @type {OfNode<string>} */
function nodeName(data, tree, node) {
  const frame = tree.frame[node];
  const origin = originOf(tree, node);
  const times = data.repeats.get(origin) || 1;
  if (frame === -1) return `all ${wholeName(data)}`;
  if (frame === -2) return plural(data.stored.paths[origin], "small path");
  if (frame === -3) return `\u22ef ${plural(times, "frame")} left out`;
  return frameName(data, frame) + (times > 1 ? ` \u00d7${formatCount(times)}` : "");
}

/** @type {(data: Data, tree: Tree, node: number, key: string) => Facts} */
function factsOf(data, tree, node, key) {
  const name = nodeName(data, tree, node);
  const { compare } = data;
  const held = sumsOf(data, tree, key);
  if (!compare) {
    const lost = data.lost.length ? formatBytes(lostOf(data, tree, node)) + " lost" : "";
    const part = formatShare(held[node], held[0]) + " of all";
    return { name, amounts: amountText(key, held[node]), change: lost, share: part, sign: 0 };
  }
  const change = changeOf(data, tree, node);
  const sides = [compare.before, compare.after].map((column) => amountText(column, sumsOf(data, tree, column)[node]));
  const share = formatShare(Math.abs(change), wholeChange(data, change));
  return {
    name,
    amounts: sides.join(" \u2192 "),
    change: markedChange(compare.after, change),
    share: change ? `${share} of all ${change < 0 ? "shrinkage" : "growth"}` : "",
    sign: Math.sign(change),
  };
}

/** In the unit of a column. @type {(key: string, amount: number) => string} */
function amountText(key, amount) {
  return (/_bytes/.test(key) ? formatBytes : formatCount)(amount);
}

/** With a mark, so that colour says nothing alone. @type {(key: string, change: number) => string} */
function markedChange(key, change) {
  return change ? (change > 0 ? "\u25b2 +" : "\u25bc ") + amountText(key, change) : "no change";
}
