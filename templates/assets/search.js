"use strict";

/**
 * @typedef {{lib: string, file: string, kind: string, test: (text: string) => boolean, error: string}} Query
 *
 * @typedef {object} Found
 * @property {string} asked the search that this answers
 * @property {Uint8Array} marks 1 for each node of the tree that matches
 * @property {number[]} nodes those that have a width, in pre-order
 * @property {number} bytes of the paths through them, each once
 * @property {string} error for the reader; "" where there is none
 */

/** Case counts once a capital is typed. @param {string} wanted @returns {(text: string) => boolean} */
function contains(wanted) {
  return /[A-Z]/.test(wanted) ? (text) => text.includes(wanted) : (text) => text.toLowerCase().includes(wanted);
}

/** @param {string} text as typed: `lib:`, `file:` and `kind:` with a word each; the rest is part of a name, or `/regex/` @returns {Query} */
function parseQuery(text) {
  /** @type {{[name: string]: string}} */
  const words = { lib: "", file: "", kind: "" };
  const rest = text.replace(/(?:^|\s)(lib|file|kind):(\S*)/g, (_, name, word) => ((words[name] = word), "")).trim();
  const query = { lib: words.lib, file: words.file, kind: words.kind, test: contains(rest), error: "" };
  const regex = /^\/(.+)\/$/.exec(rest);
  if (!regex) return query;
  try {
    // A repeated group, or many repeats, can take longer than anybody waits, and nothing could stop them.
    if (/\)[*+{]/.test(regex[1]) || regex[1].split(/[*+{]/).length > 5) throw new Error("it repeats too much");
    const pattern = new RegExp(regex[1], /[A-Z]/.test(regex[1].replace(/\\./g, "")) ? "" : "i");
    query.test = (name) => pattern.test(name.slice(0, 300));
  } catch (error) {
    query.test = () => false;
    query.error = "Not usable as a regular expression: " + /** @type {Error} */ (error).message;
  }
  return query;
}

/**
 * The frames that match by name, library and file. Names are tried for 50 ms.
 *
 * @param {Data} data
 * @param {Query} query
 * @param {() => number} now milliseconds
 * @returns {Uint8Array} one per frame
 */
function matchFrames(data, query, now) {
  const marks = new Uint8Array(data.payload.frames.function.length);
  const [isLibrary, isFile] = [contains(query.lib), contains(query.file)];
  const deadline = now() + 50;
  for (let frame = 0; frame < marks.length; frame++) {
    if (frame % 64 === 63 && now() > deadline) {
      query.error = "Stopped after 50 ms: not all names were tried";
      break;
    }
    const isPlace =
      (!query.lib || isLibrary(libraryOf(data, frame))) && (!query.file || isFile(frameText(data, frame, "file")));
    marks[frame] = isPlace && query.test(frameName(data, frame)) ? 1 : 0;
  }
  return marks;
}

/**
 * What a search finds in a tree.
 *
 * @param {Data} data
 * @param {Tree} tree
 * @param {string} key what widths show
 * @param {string} text
 * @param {() => number} [now]
 * @returns {Found | null} null where nothing is searched for
 */
function searchTree(data, tree, key, text, now = () => performance.now()) {
  if (!text.trim()) return null;
  if (tree.found && tree.found.asked === key + text) return tree.found;
  const query = parseQuery(text);
  const frames = matchFrames(data, query, now);
  const kind = query.kind ? ofKind(data, tree, key, query.kind) : null;
  const sums = kind ? kind.sums : sumsOf(data, tree, key);
  const marks = new Uint8Array(tree.parent.length);
  const nodes = [];
  let bytes = 0;
  for (let node = 1, counted = 0; node < marks.length; node++) {
    const frame = tree.frame[node];
    if (frame < 0 || !frames[frame] || (kind && !kind.marks[node])) continue;
    marks[node] = 1;
    if (sums[node] > 0) nodes.push(node);
    if (node < counted) continue;
    bytes += sums[node];
    counted = tree.end[node];
  }
  tree.found = { asked: key + text, marks, nodes, bytes, error: query.error };
  return tree.found;
}

/** The nodes on paths of a leak kind, and the sums of these paths alone. @param {Data} data @param {Tree} tree @param {string} key @param {string} kind */
function ofKind(data, tree, key, kind) {
  const { node: ends, leak_kind: kinds } = data.payload.rows;
  const own = new Float64Array(data.tree.parent.length);
  const isEnd = new Float64Array(own.length);
  const values = ownValues(data, key);
  (ends || []).forEach((/** @type {number} */ node, /** @type {number} */ row) => {
    if (!kinds || !(kinds[row] || "").startsWith(kind.toLowerCase())) return;
    own[node] = values[node];
    isEnd[node] = 1;
  });
  return { marks: summed(tree, isEnd), sums: summed(tree, own) };
}
