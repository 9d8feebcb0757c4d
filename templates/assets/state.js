"use strict";

/**
 * Keeps the state of the page and its address the same.
 *
 * @param {Data} data
 * @param {Store} store
 * @param {PathList | null} list
 * @returns {{show: (row: number) => void}} shows a row of the payload in the graph
 */
function mountLinks(data, store, list) {
  const { payload } = data;
  const tokens = new Map();
  const token = (/** @type {number} */ node) => {
    const frame = data.tree.frame[node];
    if (!tokens.has(frame)) tokens.set(frame, shortHash(frameKey(data, frame)));
    return tokens.get(frame);
  };
  // The path that was shown last: its id is a better name for the place than a chain.
  let shown = { id: "", zoom: -1 };

  /** The node of the frame that names a path, and the one where the path ends. @param {number} row */
  function show(row) {
    const frames = rowFrames(payload, data.tree.parent, row);
    const end = payload.rows.node[row];
    let zoom = end;
    for (
      let left = frames.length - 1 - namedPosition(payload, frames, row);
      left > 0 && data.tree.parent[zoom] > 0;
      left--
    )
      zoom = data.tree.parent[zoom];
    shown = { id: payload.rows.id[row], zoom };
    store.set({ zoom, focus: end });
    const graph = document.getElementById("flame");
    if (graph) graph.scrollIntoView({ block: "start" });
  }

  /** @param {string} id */
  function open(id) {
    if (id[0] === "~") {
      const { node, missing } = nodeOfChain(data.tree, token, id);
      if (missing)
        notice(
          "The frame that the link names is not in this report. Shown is the nearest caller that is: " +
            nodeName(data, data.tree, node) +
            ", " +
            plural(missing, "frame") +
            " above it.",
        );
      store.set({ zoom: node, focus: node });
      const graph = document.getElementById("flame");
      if (graph) graph.scrollIntoView({ block: "start" });
      return;
    }
    const row = payload.rows.id.indexOf(id);
    if (row < 0) notice("The path that the link names, " + id.slice(0, 60) + ", is not listed in this report.");
    else show(row);
  }

  function read() {
    const link = parseLink(location.hash);
    if (!Object.keys(link).length) return;
    for (const line of document.querySelectorAll(".notice.link")) line.remove();
    if (link.row !== undefined) {
      if (!list || !list.reveal(link.row)) notice("This report has no path number " + formatCount(link.row) + ".");
      return;
    }
    const modes = payload.modes.map((/** @type {any} */ mode) => mode.key);
    const snapshot = payload.snapshots.findIndex((/** @type {any} */ one) => String(one.index) === link.snapshot);
    if (link.snapshot && snapshot < 0) notice("The snapshot that the link names is not in this report.");
    store.set({
      mode: modes.includes(link.mode) ? link.mode : payload.mode,
      direction: link.direction === "callers" ? "callers" : "callees",
      query: link.query || "",
      snapshot,
      zoom: 0,
      focus: -1,
    });
    if (link.frame) open(link.frame);
  }

  function write() {
    const { zoom, mode, direction, query, snapshot } = store.get();
    const hash = formatLink({
      frame: !zoom ? "" : zoom === shown.zoom ? shown.id : chainOf(data.tree, token, zoom),
      mode: mode === payload.mode ? "" : mode,
      direction: direction === "callees" ? "" : direction,
      query,
      snapshot: snapshot < 0 ? "" : String(payload.snapshots[snapshot].index),
    });
    try {
      history.replaceState(null, "", hash || location.href.split("#")[0]);
    } catch {
      // A sandbox may refuse: the address stays as it is.
    }
  }

  read();
  let waiting = 0;
  store.on((_, changed) => {
    if (changed.size === 1 && changed.has("focus")) return;
    clearTimeout(waiting);
    // Browsers slow down pages that write their address at every key.
    waiting = setTimeout(write, 250);
  });
  window.addEventListener("hashchange", read);
  return { show };
}
