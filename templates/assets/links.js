/**
 * What a link says of the page: `row` a number in the list of paths, `f` a path or a node, `w` mode, `d` direction, `q` search,
 * `s` snapshot. Sort and theme are not in it.
 *
 * @typedef {{row?: number, f?: string, w?: string, d?: string, q?: string, s?: string}} Link
 */

/** @param {string} hash @returns {Link | null} null where it says nothing of the page's state */
function parseLink(hash) {
  const row = /^#path-(\d{1,7})$/.exec(hash);
  if (row) return { row: Number(row[1]) };
  /** @type {Link} */
  const link = {};
  for (const [, name, text] of hash.matchAll(/[#&]([fwdqs])=([^&]*)/g)) {
    try {
      link[/** @type {"f"} */ (name)] = decodeURIComponent(text);
    } catch {
      // Not written by this page.
    }
  }
  return Object.keys(link).length ? link : null;
}

/** @param {Link} link @returns {string} empty where there is nothing to say */
function formatLink(link) {
  const parts = Object.entries(link).filter(([, text]) => text);
  const encoded = parts.map(([name, text]) => `${name}=${encodeURIComponent(`${text}`.replace(/\p{Cs}/gu, "\ufffd"))}`);
  return (parts.length ? "#" : "") + encoded.join("&");
}

/** 24 bits of FNV-1a over the UTF-16 units, as 4 digits of base64url. @param {string} text */
function shortHash(text) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = (hash >>> 24) ^ (hash & 0xffffff);
  return [18, 12, 6, 0].map((shift) => digits[(hash >> shift) & 63]).join("");
}

/** The names of nodes in links, each by the hash of its frame: docs/payload.md. @param {Data} data */
function createChains(data) {
  const { tree } = data;
  /** @type {Map<number, string>} */
  const tokens = new Map();
  /** @param {number} node */
  function token(node) {
    const of = tree.frame[node];
    const { key, function: names, offset } = data.frames;
    const name = of < 0 ? `${of}` : data.strings[names[of] + key[of]];
    const text = tokens.get(of) || shortHash(name || `${libraryOf(data, of)}+${offset?.[of] || ""}`);
    tokens.set(of, text);
    return text;
  }
  /** Siblings of one name are told apart by their order. @param {number} node @returns {Map<string, number>} its children by name */
  function childrenByName(node) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    return new Map(
      childrenOf(tree, node).map((child) => {
        const text = token(child);
        const earlier = counts.get(text) || 0;
        counts.set(text, earlier + 1);
        return [earlier ? `${text}~${earlier}` : text, child];
      }),
    );
  }
  return {
    /** The frames from the root down. @param {number} node */
    of(node) {
      const parts = [];
      for (let at = node; at > 0; at = tree.parent[at])
        for (const [name, child] of childrenByName(tree.parent[at])) if (child === at) parts.unshift(name);
      return `~${parts.join(".")}`;
    },
    /** The nearest node that is there, and how many frames below it are not. @param {string} chain */
    find(chain) {
      const parts = chain.slice(1).split(".").filter(Boolean);
      let node = 0;
      while (parts.length) {
        const child = childrenByName(node).get(parts[0]);
        if (!child) break;
        node = child;
        parts.shift();
      }
      return { node, missing: parts.length };
    },
  };
}

/**
 * Keeps the state of the page and its address the same.
 *
 * @param {Data} data
 * @param {Store} store
 * @param {Paths} paths
 * @param {PathList | null} list
 */
function mountLinks(data, store, paths, list) {
  const { tree, rows, modes, snapshots } = data;
  const chains = createChains(data);
  // The path that was shown last: its id says more than a chain.
  let shown = { id: "", zoom: -1 };
  let waiting = 0;

  /** Zooms to the frame that names a row. @param {number} row */
  function showRow(row) {
    const focus = rows.node[row];
    let zoom = focus;
    for (let left = paths.frames(row).length - 1 - paths.named(row); left > 0 && tree.parent[zoom] > 0; left--)
      zoom = tree.parent[zoom];
    shown = { id: rows.id[row], zoom };
    showNode(zoom, focus);
  }

  /** @param {number} zoom @param {number} focus */
  function showNode(zoom, focus) {
    store.set({ zoom, focus });
    showGraph();
  }

  /** @param {string} id */
  function open(id) {
    const row = (rows.id || []).indexOf(id);
    if (row >= 0) return showRow(row);
    if (id[0] !== "~") return notice(`The link names the path ${id.slice(0, 50)}, which this report does not list.`);
    const { node, missing } = chains.find(id);
    const nearestCaller = `${nodeName(data, tree, node)}, ${plural(missing, "frame")} above it`;
    if (missing)
      notice(
        `The link names a frame that is not in this report. Shown is the nearest caller that is: ${nearestCaller}.`,
      );
    showNode(node, node);
  }

  function read() {
    const link = parseLink(location.hash);
    for (const line of document.querySelectorAll(".notice")) line.remove();
    if (!link) return;
    if (link.row !== undefined) {
      if (!list?.reveal(link.row)) notice(`This report lists no path number ${formatCount(link.row)}.`);
      return;
    }
    const snapshot = snapshots.findIndex((one) => `${one.index}` === link.s);
    if (link.s && snapshot < 0) notice("The snapshot of the link is not in this report.");
    const isMode = modes.some((one) => one.key === link.w);
    store.set({
      mode: isMode ? link.w : data.mode,
      direction: link.d === "callers" ? "callers" : "callees",
      query: link.q || "",
      snapshot,
      zoom: 0,
      focus: -1,
    });
    if (link.f) open(link.f);
  }

  function write() {
    const { zoom, mode, direction, query, snapshot } = store.get();
    const hash = formatLink({
      f: zoom === shown.zoom ? shown.id : zoom ? chains.of(zoom) : "",
      w: mode === data.mode ? "" : mode,
      d: direction === "callees" ? "" : direction,
      q: query,
      s: `${snapshots[snapshot]?.index ?? ""}`,
    });
    try {
      history.replaceState(null, "", hash || location.href.split("#")[0]);
    } catch {
      // A sandbox may refuse: the address stays.
    }
  }

  read();
  store.on((_, changed) => {
    if (changed.size === 1 && changed.has("focus")) return;
    clearTimeout(waiting);
    // Browsers hold back pages that write their address at every key.
    waiting = setTimeout(write, 250);
  });
  listen(window, "hashchange", read);
  return showRow;
}
