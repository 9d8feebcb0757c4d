"use strict";

/**
 * One line of the list of keys. Without an action the part of the page that has the focus listens for it itself.
 *
 * @typedef {object} KeyLine
 * @property {string[]} keys
 * @property {string} words
 * @property {string} [action]
 */

/** @returns {KeyLine[]} */
function keyLines() {
  return [
    { keys: ["/"], action: "search", words: "Search" },
    { keys: ["Enter", "Shift+Enter"], words: "In the search: next, previous match" },
    { keys: ["Escape"], action: "escape", words: "Clear the search, leave it, reset the zoom" },
    { keys: ["j"], action: "nextPath", words: "Next call path" },
    { keys: ["k"], action: "previousPath", words: "Previous call path" },
    { keys: ["o"], action: "openPath", words: "Open or close the call path" },
    {
      keys: ["1", "2", "3", "4", "5"],
      action: "section",
      words: "Verdict, call paths, flame graph, call tree, findings",
    },
    { keys: ["\u2190", "\u2192", "\u2191", "\u2193"], words: "In the graph: sibling, parent, child" },
    { keys: ["Enter"], words: "In the graph: zoom" },
    { keys: ["0"], action: "resetZoom", words: "Reset the zoom" },
    { keys: ["w"], action: "nextMode", words: "What widths show" },
    { keys: ["i"], action: "turn", words: "Callees or callers" },
    { keys: [",", "."], action: "step", words: "Previous, next snapshot" },
    { keys: ["c"], action: "copy", words: "Copy as Markdown" },
    { keys: ["t"], action: "theme", words: "Theme: auto, light, dark" },
    { keys: ["?"], action: "help", words: "This list" },
  ];
}

/**
 * What a key asks for; null where it belongs to somebody else.
 *
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @param {{inField: boolean, inDialog: boolean, singleKeys: boolean}} place
 */
function keyAction(event, place) {
  if (event.ctrlKey || event.altKey || event.metaKey || place.inField || place.inDialog) return null;
  const line = keyLines().find((candidate) => candidate.keys.includes(event.key));
  if (!line || !line.action || (event.key.length === 1 && !place.singleKeys)) return null;
  return line.action;
}

/**
 * Listens for keys and gives the button of their list.
 *
 * @param {{[action: string]: (key: string) => void}} actions what is not there is not done
 */
function mountKeys(actions) {
  let singleKeys = remembered("keys") !== "off";
  const box = make("input", { type: "checkbox", checked: singleKeys });
  box.addEventListener("change", () => {
    singleKeys = box.checked;
    remember("keys", singleKeys ? "on" : "off");
  });
  const list = make("dl");
  for (const line of keyLines()) {
    if (line.action && !actions[line.action] && line.action !== "help") continue;
    const term = make("dt");
    for (const key of line.keys) term.append(make("kbd", {}, key), " ");
    list.append(term, make("dd", {}, line.words));
  }
  const show = makeDialog(
    "Keys",
    list,
    make("label", { class: "check" }, box, " Single keys act when no field has the focus"),
  );
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const action = keyAction(event, {
      inField: /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable,
      inDialog: Boolean(document.querySelector("dialog[open]")),
      singleKeys,
    });
    const act = action === "help" ? show : action && actions[action];
    if (!act || event.defaultPrevented || event.isComposing) return;
    event.preventDefault();
    act(event.key);
  });
  return makeButton("?", show, { class: "btn icon", "aria-label": "Keys", title: "Keys (?)" });
}
