/**
 * The search field and what it found.
 *
 * @param {Data} data
 * @param {Store} store
 * @param {PathList | null} list
 */
function mountFind(data, store, list) {
  const label = "Search frames, files, libraries";
  const field = make("input", {
    type: "search",
    "aria-label": label,
    placeholder: label,
    spellcheck: "false",
    autocomplete: "off",
    maxlength: 500,
  });
  const words = make("p", { class: "found", role: "status" });
  /** @type {Found | null} */
  let found = null;
  /** What had the focus before. @type {Element | null} */
  let left = null;

  /** To the next or previous frame that matches. @param {number} step */
  function move(step) {
    if (!found?.nodes.length) return;
    const { nodes } = found;
    const { focus, zoom } = store.get();
    const before = nodes.filter((one) => (step > 0 ? one <= focus : one < focus)).length;
    const at = (before + Math.min(step, 0) + nodes.length) % nodes.length;
    const node = nodes[at];
    store.set({ focus: node, zoom: node >= zoom && node < data.tree.end[zoom] ? zoom : 0 });
    const name = nodeName(data, data.tree, node);
    words.textContent = `match ${formatCount(at + 1)} of ${formatCount(nodes.length)}: ${name}`;
  }

  function update() {
    const { query } = store.get();
    if (field.value !== query) field.value = query;
    found = searchTree(data, data.tree, weightKey(data, store.get()), query);
    const paths = list?.filter(found);
    words.textContent =
      found &&
      [found.error, paths, `${plural(found.nodes.length, "frame")}, ${formatBytes(found.bytes)}`]
        .filter(Boolean)
        .join("; ");
  }

  listen(field, "input", () => store.set({ query: field.value }));
  listen(field, "keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
    else if (field.value) store.set({ query: "" });
    else focusOn(left && left !== document.body ? left : document.querySelector("main"));
  });
  store.on((_, changed) => {
    if (["query", "mode", "snapshot"].some((key) => changed.has(key))) update();
  });
  return {
    field: make("span", "find", field, make("kbd", { "aria-hidden": "true" }, "/")),
    words,
    start() {
      left = document.activeElement;
      field.focus();
      field.select();
    },
  };
}
