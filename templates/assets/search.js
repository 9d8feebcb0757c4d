/** Case counts once a capital is typed. @type {(wanted: string) => (text: string) => boolean} */
function contains(wanted) {
  if (/[A-Z]/.test(wanted)) return (text) => text.includes(wanted);
  return wanted ? (text) => text.toLowerCase().includes(wanted) : () => true;
}

/** `lib:`, `file:` and `kind:` take a word each; the rest is part of a name, or a `/regex/`. @type {(text: string) => Query} */
function parseQuery(text) {
  const query = { lib: "", file: "", kind: "", test: contains(""), error: "" };
  const rest = text.replace(/(?:^|\s)(lib|file|kind):(\S*)/g, (_, name, word) => {
    query[/** @type {"lib"} */ (name)] = word;
    return "";
  });
  const [, source] = /^\/(.+)\/$/.exec(rest.trim()) || [];
  query.test = contains(rest.trim());
  if (!source) return query;
  try {
    // A repeated group, or many repeats, can take longer than anybody waits, and nothing could stop them.
    if (/\)[*+{]/.test(source) || source.split(/[*+{]/).length > 5) throw new Error("it repeats too much");
    const pattern = new RegExp(source, /[A-Z]/.test(source.replace(/\\./g, "")) ? "" : "i");
    query.test = (name) => pattern.test(name.slice(0, 300));
  } catch (error) {
    query.test = () => false;
    query.error = "Not usable as a regular expression: " + /** @type {Error} */ (error).message;
  }
  return query;
}

/** 1 for each frame that matches. Names are tried for 50 ms. @type {(data: Data, query: Query, now: () => number) => Uint8Array} */
function matchFrames(data, query, now) {
  const marks = new Uint8Array(data.frames.function.length);
  const [isLibrary, isFile] = [contains(query.lib), contains(query.file)];
  const deadline = now() + 50;
  for (let frame = 0; frame < marks.length && !query.error; frame++) {
    const isMeant =
      query.test(frameName(data, frame)) &&
      (!query.lib || isLibrary(libraryOf(data, frame))) &&
      isFile(frameText(data, frame, "file"));
    marks[frame] = isMeant ? 1 : 0;
    if (frame % 64 === 63 && now() > deadline) query.error = "Stopped after 50 ms: not all names were tried";
  }
  return marks;
}

/** Null where nothing is searched for. @type {(data: Data, tree: Tree, key: string, text: string, now?: () => number) => Found | null} */
function searchTree(data, tree, key, text, now = () => performance.now()) {
  const asked = `${key} ${text}`;
  if (!text.trim()) return null;
  if (tree.found?.asked === asked) return tree.found;
  const query = parseQuery(text);
  const frames = matchFrames(data, query, now);
  const kind = query.kind.toLowerCase();
  const { ends, sums } = kind ? ofKind(data, tree, key, kind) : { ends: null, sums: sumsOf(data, tree, key) };
  /** @type {Found} */
  const found = { asked, kind, frames, marks: new Uint8Array(sums.length), nodes: [], bytes: 0, error: query.error };
  for (let node = 1, counted = 0; node < sums.length; node++) {
    const frame = tree.frame[node];
    if (!frames[frame] || (ends && !ends[node])) continue;
    found.marks[node] = 1;
    if (sums[node] > 0) found.nodes.push(node);
    if (node < counted) continue;
    found.bytes += sums[node];
    counted = tree.end[node];
  }
  return (tree.found = found);
}

/** Paths of one leak kind alone: how many there are, and their bytes. @type {(data: Data, tree: Tree, key: string, kind: string) => {ends: Float64Array, sums: Float64Array}} */
function ofKind(data, tree, key, kind) {
  const { node: nodes, leak_kind: kinds = [] } = data.rows;
  const isEnd = new Float64Array(data.tree.parent.length);
  kinds.forEach((/** @type {string} */ one, /** @type {number} */ row) => {
    if (one?.startsWith(kind)) isEnd[nodes[row]] = 1;
  });
  const own = ownValues(data, key).map((amount, node) => amount * isEnd[node]);
  return { ends: summed(tree, isEnd), sums: summed(tree, own) };
}
