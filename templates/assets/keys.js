/** The keys: what they do, and in words. Without an action, the part that has the focus listens by itself. */
function keyLines() {
  return `/|search|Search
Enter Shift+Enter||In the search: next, previous match
Escape|escape|Clear the search, leave it, reset the zoom
j|nextPath|Next call path
k|previousPath|Previous call path
o|openPath|Open or close the call path
1 2 3 4 5|section|Verdict, call paths, flame graph, call tree, findings
\u2190 \u2192 \u2191 \u2193||In the graph: sibling, parent, child
Enter||In the graph: zoom
0|resetZoom|Reset the zoom
w|nextMode|What widths show
i|turn|Callees or callers
, .|step|Previous, next snapshot
c|copy|Copy as Markdown
t|theme|Theme: auto, light, dark
?|help|This list`
    .split("\n")
    .map((line) => line.split("|"))
    .map(([keys, action, words]) => ({ keys: keys.split(" "), action, words }));
}

/**
 * What a key asks for; "" where it is not for the page.
 *
 * @param {{key: string, ctrlKey: boolean, altKey: boolean, metaKey: boolean}} event
 * @param {boolean} isFree no field has the focus, no dialog is open
 * @param {boolean} isOn single keys are wanted
 */
function keyAction(event, isFree, isOn) {
  if (event.ctrlKey || event.altKey || event.metaKey || !isFree || (!isOn && event.key.length === 1)) return "";
  const line = keyLines().find((one) => one.action && one.keys.includes(event.key));
  return line?.action || "";
}

/**
 * Listens for keys; the button shows their list.
 *
 * @param {{[action: string]: (key: string) => void}} actions what is missing is neither done nor listed
 */
function mountKeys(actions) {
  const box = make("input", { type: "checkbox", checked: remembered("keys") !== "off" });
  const list = make("dl");
  const label = make("label", "check", box, "Single keys act when no field has the focus");
  const dialog = makeDialog("Keys", list, label);
  listen(box, "change", () => remembered("keys", box.checked ? "on" : "off"));
  actions.help = () => {
    const lines = keyLines().filter(({ action }) => !action || actions[action]);
    list.replaceChildren(
      ...lines.flatMap(({ keys, words }) => [
        make("dt", "", ...keys.flatMap((key) => [make("kbd", "", key), " "])),
        make("dd", "", words),
      ]),
    );
    dialog.showModal();
  };
  listen(document, "keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const isFree = !document.querySelector("dialog[open], input:focus:not([type=checkbox]), textarea:focus");
    const act = actions[keyAction(event, isFree, box.checked)];
    if (!act) return;
    event.preventDefault();
    act(event.key);
  });
  return makeIcon("?", "Keys", "?", actions.help);
}
