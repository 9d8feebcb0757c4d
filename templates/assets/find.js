"use strict";

/**
 * The search field and what it says.
 *
 * @param {Data} data
 * @param {Store} store
 * @param {PathList | null} list
 * @returns {{field: HTMLElement, words: HTMLElement, focus: () => void, escape: () => void}}
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
  /** @type {Element | null} */
  let before = null;
  const leave = () => {
    const back =
      before instanceof HTMLElement && before.isConnected && before !== document.body
        ? before
        : document.querySelector("main");
    if (back instanceof HTMLElement) focusOn(back);
  };

  /** @param {number} step */
  function next(step) {
    if (!found || !found.nodes.length) return;
    const { nodes } = found;
    const { focus, zoom } = store.get();
    const behind = nodes.findIndex((node) => node > focus);
    let at = behind < 0 ? nodes.length : behind;
    if (step < 0) at -= nodes[at - 1] === focus ? 2 : 1;
    const node = nodes[(at + nodes.length) % nodes.length];
    store.set({ focus: node, zoom: node >= zoom && node < data.tree.end[zoom] ? zoom : 0 });
  }

  function update() {
    const text = store.get().query;
    if (field.value !== text) field.value = text;
    found = searchTree(data, data.tree, weightKey(data, store.get()), text);
    const paths = list ? list.filter(text) : "";
    const frames = found && plural(found.nodes.length, "frame") + ", " + formatBytes(found.bytes);
    words.textContent = found ? [found.error, paths, frames].filter(Boolean).join("; ") : "";
  }

  field.addEventListener("input", () => store.set({ query: field.value }));
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") next(event.shiftKey ? -1 : 1);
    else if (event.key !== "Escape") return;
    else if (field.value) store.set({ query: "" });
    else leave();
    event.preventDefault();
  });
  store.on((_, changed) => {
    if (changed.has("query") || changed.has("mode") || changed.has("snapshot")) update();
  });
  update();
  const hint = make("kbd", { "aria-hidden": "true" }, "/");
  return {
    field: make("span", { class: "find" }, field, hint),
    words,
    focus() {
      before = document.activeElement;
      field.focus();
      field.select();
    },
    escape() {
      if (store.get().query) store.set({ query: "" });
      else store.set({ zoom: 0 });
    },
  };
}

/** Gives the focus to what is no control. @param {HTMLElement} element */
function focusOn(element) {
  if (element.tabIndex < 0) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
