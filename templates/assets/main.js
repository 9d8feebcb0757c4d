/** The page is complete without this; what fails here leaves the rest as it was. */
function main() {
  const tools = /** @type {HTMLElement | null} */ (document.querySelector("header .tools"));
  if (!tools) return;
  const theme = themeButton();
  /** @type {{[action: string]: (key: string) => void}} */
  const actions = { theme: () => theme.click(), section: goToSection };
  tools.append(theme, mountKeys(actions));
  tools.hidden = false;
  decodePayload(document.getElementById("payload"))
    .then((payload) => mountAll(payload, tools, actions))
    .catch(({ message }) =>
      notice(`Search, zoom and the whole lists are off: ${message}. What stands below is complete.`),
    );
}

/**
 * The data of the page.
 *
 * @param {HTMLElement | null} element
 * @returns {Promise<any>} rejects with a message for the reader
 */
async function decodePayload(element) {
  if (!element) throw new Error("the data is missing");
  const isPacked = element.dataset.encoding;
  if (isPacked && typeof DecompressionStream === "undefined")
    throw new Error("this browser is too old to unpack the data");
  let payload;
  try {
    let text = element.textContent || "";
    if (isPacked) {
      const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
      text = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    }
    payload = JSON.parse(text);
  } catch {
    throw new Error("the data is damaged");
  }
  if (payload?.schema !== "leakreport-payload/1") throw new Error("the data is of another version");
  return payload;
}

/**
 * @param {any} payload
 * @param {HTMLElement} tools
 * @param {{[action: string]: (key: string) => void}} actions
 */
function mountAll(payload, tools, actions) {
  /** @type {string[]} */
  const broken = [];
  /** @template T @param {string} what @param {(section: HTMLElement) => T} mount @param {string} [id] of the section @returns {T | null} */
  const guarded = (what, mount, id = "top") => {
    const section = document.getElementById(id);
    try {
      return section && mount(section);
    } catch {
      broken.push(what);
      return null;
    }
  };
  const paths = guarded("the data", () => createPaths(createData(payload)));
  if (!paths) throw new Error("the data is damaged");
  const { data } = paths;
  const store = createStore({ mode: payload.mode, direction: "callees", zoom: 0, focus: -1, query: "", snapshot: -1 });
  const copy = makeCopier();
  const copyAll = () => copy(payload.markdown);
  /** @type {((row: number) => void) | null} */
  let showRow = null;
  guarded("the flame graph", (section) => mountFlame(section, data, store), "flame");
  guarded("the call tree", (section) => mountCallTree(section, data, store), "tree");
  const show = document.getElementById("flame") && ((/** @type {number} */ row) => showRow?.(row));
  const list = guarded("the list of paths", (section) => mountPathList(section, data, paths, copy, show), "paths");
  const find = guarded("the search", () => mountFind(data, store, list));
  Object.assign(
    actions,
    guarded("the timeline", (section) => mountSteps(section, payload, store), "timeline"),
  );
  // Without script the first ten are open, and on paper.
  const shut = [...document.querySelectorAll("#paths details[open]")].slice(1);
  const turn = (/** @type {boolean} */ open) => shut.forEach((details) => details.toggleAttribute("open", open));
  turn(false);
  addEventListener("beforeprint", () => turn(true));
  showRow = guarded("links", () => mountLinks(data, store, paths, list));
  if (broken.length) notice(`Not working here: ${broken.join(", ")}. The rest is complete.`);
  else document.documentElement.dataset.ready = "";

  const modes = payload.modes.map((/** @type {{key: string}} */ mode) => mode.key);
  tools.prepend(makeButton("Copy for ticket", copyAll));
  Object.assign(actions, {
    copy: copyAll,
    escape: () => store.set(store.get().query ? { query: "" } : { zoom: 0 }),
    resetZoom: () => store.set({ zoom: 0 }),
    nextMode: () => store.set({ mode: modes[(modes.indexOf(store.get().mode) + 1) % modes.length] }),
    turn: () =>
      store.set({ direction: store.get().direction === "callees" ? "callers" : "callees", zoom: 0, focus: -1 }),
  });
  if (find) {
    tools.prepend(find.field);
    tools.after(find.words);
    actions.search = find.start;
  }
  if (list)
    Object.assign(actions, { nextPath: () => list.move(1), previousPath: () => list.move(-1), openPath: list.open });
}

/** @param {string} key 1 to 5 */
function goToSection(key) {
  const section = document.getElementById(["top", "paths", "flame", "tree", "findings"][Number(key) - 1]);
  if (!section) return;
  focusOn(section.querySelector("h1, h2"));
  section.scrollIntoView();
}
