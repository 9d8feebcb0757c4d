"use strict";

/** The page is complete without this; what fails here leaves the rest as it was. */
function main() {
  const tools = /** @type {HTMLElement | null} */ (document.querySelector("header .tools"));
  if (!tools) return;
  const theme = themeButton();
  /** @type {{[action: string]: (key: string) => void}} */
  const actions = { theme: () => theme.click(), section: goToSection };
  tools.append(theme, mountKeys(actions));
  tools.hidden = false;
  decodePayload(document.getElementById("payload")).then(
    (payload) => {
      if (mountAll(payload, tools, actions)) document.documentElement.dataset.ready = "";
    },
    (error) =>
      notice(
        "Search, zoom and the whole lists are off: " + error.message + ". What stands below is complete without them.",
      ),
  );
}

/**
 * @param {any} payload
 * @param {HTMLElement} tools
 * @param {{[action: string]: (key: string) => void}} actions
 * @returns {boolean} every part works
 */
function mountAll(payload, tools, actions) {
  let works = true;
  /** @template T @param {string} what @param {() => T} mount @returns {T | null} */
  const guarded = (what, mount) => {
    try {
      return mount();
    } catch {
      works = false;
      notice("This part could not be started: " + what + ". What the page shows without it is complete.");
      return null;
    }
  };
  const data = guarded("search, zoom and the whole lists", () => createData(payload));
  if (!data) return false;
  const store = createStore({ mode: payload.mode, direction: "callees", zoom: 0, focus: -1, query: "", snapshot: -1 });
  const section = (/** @type {string} */ id) => document.getElementById(id);
  const copy = makeCopier(say);
  /** @type {(row: number) => void} */
  let showRow = () => {};
  const [flame, tree, paths, timeline] = ["flame", "tree", "paths", "timeline"].map(section);
  if (flame) guarded("the flame graph", () => mountFlame(flame, data, store));
  if (tree) guarded("the call tree", () => mountCallTree(tree, data, store));
  const list =
    paths &&
    guarded("the list of paths", () => mountPathList(paths, data, { copy, show: flame && ((row) => showRow(row)) }));
  const find = guarded("the search", () => mountFind(data, store, list));
  if (timeline)
    Object.assign(
      actions,
      guarded("the timeline", () => mountSteps(timeline, payload, store)),
    );
  const links = guarded("links", () => mountLinks(data, store, list));
  if (links) showRow = links.show;
  if (find)
    tools.prepend(
      find.field,
      makeButton("Copy for ticket", () => copy(payload.markdown)),
    );
  if (find) tools.append(find.words);
  const modes = payload.modes.map((/** @type {any} */ mode) => mode.key);
  Object.assign(actions, {
    copy: () => copy(payload.markdown),
    resetZoom: () => store.set({ zoom: 0 }),
    nextMode: () => store.set({ mode: modes[(modes.indexOf(store.get().mode) + 1) % modes.length] }),
    turn: () => store.set({ direction: store.get().direction === "callees" ? "callers" : "callees" }),
  });
  if (find) Object.assign(actions, { search: find.focus, escape: find.escape });
  if (list)
    Object.assign(actions, { nextPath: () => list.move(1), previousPath: () => list.move(-1), openPath: list.open });
  return works;
}

/** @param {string} key 1 to 5 */
function goToSection(key) {
  const section = document.getElementById(["top", "paths", "flame", "tree", "findings"][Number(key) - 1]);
  const heading = /** @type {HTMLElement | null} */ (section && section.querySelector("h1, h2"));
  if (!section || !heading) return;
  focusOn(heading);
  section.scrollIntoView({ block: "start" });
}

/** A line that stays, below the header. @param {string} text */
function notice(text) {
  const header = document.querySelector("header");
  const line = make("p", { class: "bar-note", role: "status" });
  if (header) header.after(make("div", { class: "wrap notice" }, line));
  line.textContent = text;
}

/** A message that goes by itself. @param {string} text */
function say(text) {
  let line = document.querySelector(".said");
  if (!line) {
    line = make("p", { class: "said", role: "status" });
    document.body.append(line);
  }
  line.textContent = text;
  const said = line;
  setTimeout(() => {
    if (said.textContent === text) said.textContent = "";
  }, 6000);
}
