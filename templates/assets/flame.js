/** A function that does something once before the next frame, however often it is called. @type {(act: () => void) => () => void} */
function oncePerFrame(act) {
  let isWaiting = false;
  return () => {
    if (!isWaiting) requestAnimationFrame(() => ((isWaiting = false), act()));
    isWaiting = true;
  };
}

/**
 * Tokens of the style sheet for a node: the fill, and the text on it. By the step of its change; in an analysis by whether
 * some of it is lost, or most.
 *
 * @type {(data: Data, tree: Tree, node: number, key: string) => [string, string]}
 */
function coloursOf(data, tree, node, key) {
  const lost = data.compare ? 0 : lostOf(data, tree, node);
  if (lost) return [lost * 2 > sumsOf(data, tree, key)[node] ? "k3" : "k2", "t1"];
  const change = data.compare ? changeOf(data, tree, node) : 0;
  const step = change && colourStep(change, wholeChange(data, change));
  const strength = Math.abs(step);
  return step ? [(step > 0 ? "g" : "s") + strength, `t${strength < 4 ? 1 : strength}`] : ["k0", "t0"];
}

/** A canvas never taller than its view, and in words what it points at. @type {(section: HTMLElement, data: Data, store: Store) => void} */
function mountFlame(section, data, store) {
  const rowHeight = 21;
  const canvas = make("canvas", { tabindex: 0, role: "application" });
  const space = make("div", "", canvas);
  const view = make("div", "graph", space);
  const status = make("div", "status");
  const live = make("p", { class: "hid", role: "status" });
  const tools = flameTools(section, data, store);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const panel = /** @type {Element} */ (section.querySelector(".panel"));
  const drawing = /** @type {HTMLElement | null} */ (section.querySelector(".static"));
  panel.prepend(tools.bar, view, status, live);

  let tree = data.tree;
  /** @type {Tree | null} */
  let callers = null;
  let [key, zoom, focus, hover, width, isMine] = ["", 0, -1, -1, 0, false];
  /** @type {Box[]} */
  let boxes = [];
  /** @type {Map<string, string>} */
  const labels = new Map();
  /** @type {{[token: string]: string}} */
  let colours = {};
  const isForced = matchMedia("(forced-colors: active)");
  const redraw = oncePerFrame(paint);

  /** @type {(token: string) => string} */
  function colour(token) {
    if (isForced.matches) return /^(ink|t)/.test(token) ? "CanvasText" : "Canvas";
    colours[token] = colours[token] || getComputedStyle(panel).getPropertyValue(`--${token}`).trim();
    return colours[token];
  }

  function update() {
    const state = store.get();
    const { modes } = data;
    key = weightKey(data, state);
    tree = data.tree;
    if (state.direction === "callers") {
      const keys = modes.map((/** @type {any} */ mode) => weightKey(data, { mode: mode.key, snapshot: -1 }));
      tree = callers = callers || createCallers(data, keys);
    }
    if (!isMine) [zoom, focus] = [state.zoom, state.focus].map((node) => placeAmongCallers(data, tree, node));
    tools.update();
    layOut();
    tell();
  }

  /** Boxes change with zoom, mode and width; a hover or a search paints the same ones. */
  function layOut() {
    const fit = () => (boxes = boxesOf(tree, sumsOf(data, tree, key), zoom, (width = view.clientWidth)));
    fit();
    const rows = boxes.reduce((most, box) => Math.max(most, tree.depth[box.node]), 0) + 1;
    const extent = `${plural(tree.parent.length - 1, "frame")} in ${plural(rows, "row")}`;
    canvas.setAttribute(
      "aria-label",
      `Flame graph, ${extent}. Arrow keys move, Enter zooms, 0 shows all. The call tree has the same data.`,
    );
    space.style.height = rows * rowHeight + "px";
    // A scroll bar may have come or gone.
    if (view.clientWidth !== width) fit();
    redraw();
  }

  function paint() {
    const [height, scale] = [view.clientHeight, devicePixelRatio];
    if (!width || !height) return;
    colours = {};
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.style.height = height + "px";
    context.scale(scale, scale);
    context.font = `11.5px ${isForced.matches ? "monospace" : colour("mono")}`;
    const letter = context.measureText("m").width;
    const found = searchTree(data, tree, key, store.get().query);
    for (const box of boxes) {
      const y = tree.depth[box.node] * rowHeight - view.scrollTop;
      context.globalAlpha = found && !found.marks[box.node] ? 0.32 : 1;
      if (y > -rowHeight && y < height) paintBox(box, y, Math.floor((box.width - 9) / letter));
    }
    context.globalAlpha = 1;
    ring(hover, 1);
    ring(focus, 2);
    if (drawing) drawing.hidden = true;
  }

  /** @type {(box: Box, y: number, room: number) => void} */
  function paintBox({ node, x, width: wide }, y, room) {
    const [fill, text] = coloursOf(data, tree, node, key);
    const inner = Math.max(wide - 1, 0.8);
    context.fillStyle = colour(fill);
    context.fillRect(x, y, inner, 19.5);
    context.fillStyle = context.strokeStyle = colour("ink");
    if (isForced.matches) context.strokeRect(x, y, inner, 19.5);
    if (data.responsible.has(originOf(tree, node))) context.fillRect(x, y + 17, inner, 2.5);
    if (wide < 24 || room < 2) return;
    const name = nodeName(data, tree, node);
    const label = labels.get(room + name) || shortenName(name, room);
    labels.set(room + name, label);
    context.fillStyle = colour(text);
    context.fillText(label, x + 5, y + 14);
  }

  /** @type {(node: number, line: number) => void} */
  function ring(node, line) {
    const box = boxes.find((one) => one.node === node);
    if (!box) return;
    const y = tree.depth[node] * rowHeight - view.scrollTop;
    context.strokeStyle = colour("ink");
    context.lineWidth = line;
    context.strokeRect(box.x + line / 2, y + line / 2, Math.max(box.width - 1, 3) - line, 19.5 - line);
  }

  function tell() {
    const node = [hover, focus, zoom].find((one) => one >= 0) || 0;
    const { name, amounts, change, share, sign } = factsOf(data, tree, node, key);
    status.replaceChildren(
      make("code", "", name),
      make("span", "muted", amounts),
      make("span", toneOf(sign), change),
      make("span", "muted", share),
    );
    return [name, amounts, change, share].filter(Boolean).join(", ");
  }

  /** @type {(toZoom: number, toFocus: number) => void} */
  function go(toZoom, toFocus) {
    [zoom, focus] = [toZoom, toFocus];
    isMine = true;
    store.set({ zoom: originOf(tree, zoom), focus: originOf(tree, focus) });
    update();
    isMine = false;
    scrollToRow(view, tree.depth[Math.max(focus, 0)] * rowHeight, rowHeight);
  }

  /** @type {(event: MouseEvent) => number} */
  function nodeUnder(event) {
    return nodeAt(tree, boxes, Math.floor((event.offsetY + view.scrollTop) / rowHeight), event.offsetX);
  }

  /** @type {(node: number) => void} */
  function point(node) {
    if (node === hover) return;
    hover = node;
    tell();
    redraw();
  }

  listen(canvas, "mousemove", (event) => point(nodeUnder(event)));
  listen(canvas, "mouseleave", () => point(-1));
  listen(canvas, "click", (event) => {
    const node = nodeUnder(event);
    if (node >= 0) go(node === zoom ? 0 : node, node);
  });
  onKeys(canvas, (pressed) => {
    const at = focus < 0 ? zoom : focus;
    if (pressed === "Enter") go(at === zoom ? 0 : at, at);
    else if (pressed === "0") go(0, focus);
    else if (pressed.startsWith("Arrow")) {
      const node = focus < 0 ? zoom : neighbour(tree, sumsOf(data, tree, key), at, pressed);
      // What is too narrow to be drawn, or beside what is zoomed, needs room first.
      go(boxes.some((box) => box.node === node) ? zoom : Math.max(0, tree.parent[node]), node);
    } else return false;
    hover = -1;
    live.textContent = tell();
    return true;
  });
  listen(view, "scroll", redraw);
  new ResizeObserver(layOut).observe(view);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const query of [isForced, matchMedia("(prefers-color-scheme: dark)")]) listen(query, "change", redraw);
  store.on((_, changed) => {
    if (isMine) return;
    if (changed.size > 1 || !changed.has("query")) update();
    redraw();
  });
  update();
}

/** Buttons and legend above the graph. @type {(section: HTMLElement, data: Data, store: Store) => {bar: HTMLElement, update: () => void}} */
function flameTools(section, data, store) {
  const { modes } = data;
  /** @type {(() => void)[]} */
  const updates = [];
  /** @type {(label: string, name: "mode" | "direction", choices: {key: string, title: string}[], also?: Partial<State>) => HTMLElement} */
  const group = (label, name, choices, also) => {
    const buttons = choices.map(({ key, title }) => {
      const button = makeButton(title, () => store.set({ ...also, [name]: key }), "");
      updates.push(() => button.setAttribute("aria-pressed", `${key === store.get()[name]}`));
      return button;
    });
    return make("div", { class: "seg", role: "group", "aria-label": label }, ...buttons);
  };
  const ways = ["Callees", "Callers"].map((title) => ({ key: title.toLowerCase(), title }));
  const reset = makeButton("Reset zoom", () => store.set({ zoom: 0 }));
  const note = make("span", "muted");
  // Colours mean what they mean in the static drawing.
  const legend = [...section.querySelectorAll(".legend span")].filter((one) => one.querySelector("svg"));
  const bar = make("div", "bar");
  if (modes.length > 1) bar.append(group("Width", "mode", modes));
  bar.append(group("Direction", "direction", ways, { zoom: 0, focus: -1 }), reset);
  bar.append(...legend.map((one) => one.cloneNode(true)), make("a", { href: "#tree" }, "As a table"), note);
  updates.push(() => {
    const { snapshot, zoom } = store.get();
    const drawn = drawnSnapshot(data, snapshot);
    reset.disabled = !zoom;
    // Steps of a timeline are counted from 1 where people read them.
    note.textContent = drawn === snapshot ? "" : `Nearest with paths: snapshot ${formatCount(drawn + 1)}`;
  });
  return { bar, update: () => updates.forEach((act) => act()) };
}
