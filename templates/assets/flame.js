"use strict";

/** Tokens of the style sheet: the fill of a step or shade, and the text on it. @param {number} step @param {boolean} isShade */
function tokensOfStep(step, isShade) {
  if (isShade) return step ? ["k" + (step + 1), "t1"] : ["k0", "t0"];
  if (!step) return ["k0", "t0"];
  const strength = Math.abs(step);
  return [(step > 0 ? "g" : "s") + strength, "t" + (strength < 4 ? 1 : strength)];
}

/**
 * The flame graph: a canvas never taller than its view, with what it says in words below it.
 *
 * @param {HTMLElement} section
 * @param {Data} data
 * @param {Store} store
 */
function mountFlame(section, data, store) {
  const panel = section.querySelector(".panel");
  const drawing = /** @type {HTMLElement | null} */ (section.querySelector(".static"));
  const canvas = make("canvas", { tabindex: 0, role: "application" });
  const context = canvas.getContext("2d");
  if (!panel || !context) return;
  const space = make("div", {}, canvas);
  const view = make("div", { class: "graph" }, space);
  const status = make("div", { class: "status" });
  const live = make("p", { class: "hid", role: "status" });
  const tools = flameTools(data, store);
  panel.prepend(tools.bar, view, status, live);

  const rowHeight = 21;
  /** @type {Tree} */
  let tree = data.tree;
  /** @type {Tree | null} */
  let callers = null;
  let [key, zoom, focus, hover, width] = ["", 0, -1, -1, 0];
  /** @type {Box[]} */
  let boxes = [];
  /** @type {Map<string, string>} */
  const labels = new Map();
  /** @type {{[name: string]: string}} */
  let colours = {};
  let letter = 7;
  let isWaiting = false;
  let isMine = false;

  function readTheme() {
    const style = getComputedStyle(panel || section);
    const isForced = matchMedia("(forced-colors: active)").matches;
    /** @param {string} name @param {string} forced */
    const read = (name, forced) => (isForced ? forced : style.getPropertyValue("--" + name).trim());
    colours = {
      ink: read("ink", "CanvasText"),
      surface: read("surface", "Canvas"),
      line: isForced ? "CanvasText" : "",
    };
    for (const shade of [0, 1, 2]) for (const name of tokensOfStep(shade, true)) colours[name] = read(name, "");
    for (let step = -5; step <= 5; step++) for (const name of tokensOfStep(step, false)) colours[name] = read(name, "");
    if (isForced)
      for (const name of Object.keys(colours))
        colours[name] = colours[name] || (name[0] === "t" ? "CanvasText" : "Canvas");
    colours.font = "11.5px " + style.getPropertyValue("--mono");
    redraw();
  }

  function redraw() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      paint();
    });
  }

  function update() {
    const state = store.get();
    key = weightKey(data, state);
    if (state.direction === "callers" && !callers) {
      callers = createCallers(
        data,
        data.payload.modes.map((/** @type {any} */ mode) =>
          weightKey(data, { ...state, mode: mode.key, snapshot: -1 }),
        ),
      );
    }
    tree = state.direction === "callers" && callers ? callers : data.tree;
    if (!isMine) [zoom, focus] = [state.zoom, state.focus].map((node) => placeAmongCallers(data, tree, node));
    width = 0;
    tools.update();
    tell();
    redraw();
  }

  /** Boxes are laid out anew only when something changed them; a hover or a search paints the same ones. */
  function layOut() {
    width = view.clientWidth;
    boxes = boxesOf(tree, sumsOf(data, tree, key), zoom, width);
    const rows = boxes.reduce((most, box) => Math.max(most, tree.depth[box.node]), 0) + 1;
    space.style.height = rows * rowHeight + "px";
    if (view.clientWidth !== width) boxes = boxesOf(tree, sumsOf(data, tree, key), zoom, (width = view.clientWidth));
    const what = plural(tree.parent.length - 1, "frame") + " in " + plural(rows, "row");
    canvas.setAttribute(
      "aria-label",
      "Flame graph, " + what + ". Arrow keys move, Enter zooms, 0 shows all. The call tree below has the same data.",
    );
  }

  function paint() {
    if (!context || !view.clientWidth) return;
    if (width !== view.clientWidth) layOut();
    const height = view.clientHeight;
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.height = height + "px";
    }
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = colours.surface;
    context.fillRect(0, 0, width, height);
    context.font = colours.font;
    letter = context.measureText("m").width || 7;
    const found = searchTree(data, tree, key, store.get().query);
    const top = view.scrollTop;
    for (const box of boxes) {
      const y = tree.depth[box.node] * rowHeight - top;
      if (y < -rowHeight || y > height) continue;
      context.globalAlpha = found && !found.marks[box.node] ? 0.32 : 1;
      paintBox(context, box, y);
    }
    context.globalAlpha = 1;
    for (const [node, line] of [
      [hover, 1],
      [focus, 2],
    ]) {
      const box = node < 0 ? null : boxes.find((one) => one.node === node);
      if (!box) continue;
      context.strokeStyle = colours.ink;
      context.lineWidth = line;
      context.strokeRect(
        box.x + line / 2,
        tree.depth[node] * rowHeight - top + line / 2,
        Math.max(box.width - 1, 2) - line,
        19.5 - line,
      );
    }
    if (drawing) drawing.hidden = true;
  }

  /** @param {CanvasRenderingContext2D} to @param {Box} box @param {number} y */
  function paintBox(to, box, y) {
    const { node, x } = box;
    const wide = Math.max(box.width - 1, 0.8);
    const [fill, text] = tokensOfStep(shadeOf(node), !data.payload.compare);
    to.fillStyle = colours[fill];
    to.fillRect(x, y, wide, 19.5);
    to.fillStyle = to.strokeStyle = colours.ink;
    to.lineWidth = 1;
    if (colours.line) to.strokeRect(x + 0.5, y + 0.5, wide, 18.5);
    if (data.responsible.has(tree.origin ? tree.origin[node] : node)) to.fillRect(x, y + 17, wide, 2.5);
    const room = Math.floor((box.width - 9) / letter);
    if (box.width < 24 || room < 2) return;
    const name = nodeName(data, tree, node);
    const known = room + name;
    let label = labels.get(known);
    if (label === undefined) labels.set(known, (label = shortenName(name, room)));
    to.fillStyle = colours[text];
    to.fillText(label, x + 5, y + 14);
  }

  /** Step of change, or in an analysis 1 where some of it is lost, 2 where most is. @param {number} node */
  function shadeOf(node) {
    if (data.payload.compare) {
      const change = changeOf(data, tree, node);
      return colourStep(change, wholeChange(data, change));
    }
    const lost = lostOf(data, tree, node);
    return lost ? (lost * 2 > sumsOf(data, tree, key)[node] ? 2 : 1) : 0;
  }

  function tell() {
    const facts = factsOf(data, tree, hover >= 0 ? hover : focus >= 0 ? focus : zoom, key);
    const sign = facts.sign > 0 ? "up" : facts.sign < 0 ? "down" : "muted";
    status.replaceChildren(
      make("code", {}, facts.name),
      make("span", { class: "muted" }, facts.amounts),
      make("span", { class: sign }, facts.change),
      make("span", { class: "muted" }, facts.share),
    );
    return Object.values(facts).slice(0, 4).filter(Boolean).join(", ");
  }

  /** @param {number} toZoom @param {number} toFocus */
  function go(toZoom, toFocus) {
    [zoom, focus] = [toZoom, toFocus];
    const [storeZoom, storeFocus] = [zoom, focus].map((node) => (tree.origin && node > 0 ? tree.origin[node] : node));
    isMine = true;
    store.set({ zoom: storeZoom, focus: storeFocus });
    isMine = false;
    update();
  }

  /** @param {number} node */
  function zoomTo(node) {
    go(node === zoom ? 0 : node, node);
  }

  /** @param {MouseEvent} event */
  function nodeUnder(event) {
    return nodeAt(tree, boxes, Math.floor((event.offsetY + view.scrollTop) / rowHeight), event.offsetX);
  }

  /** @param {number} node */
  function hoverOn(node) {
    if (node === hover) return;
    hover = node;
    tell();
    redraw();
  }

  canvas.addEventListener("mousemove", (event) => hoverOn(nodeUnder(event)));
  canvas.addEventListener("mouseleave", () => hoverOn(-1));
  canvas.addEventListener("click", (event) => {
    const node = nodeUnder(event);
    if (node >= 0) zoomTo(node);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = focus >= 0 ? focus : zoom;
    if (event.key === "Enter") zoomTo(from);
    else if (event.key === "0") go(0, focus);
    else if (event.key.startsWith("Arrow")) {
      const node = focus < 0 ? zoom : neighbour(tree, sumsOf(data, tree, key), from, event.key);
      // What is too narrow to be drawn, or beside what is zoomed, needs room first.
      const isDrawn = boxes.some((box) => box.node === node);
      go(isDrawn ? zoom : Math.max(0, tree.parent[node]), node);
      scrollTo(node);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    hover = -1;
    live.textContent = tell();
  });
  /** @param {number} node */
  function scrollTo(node) {
    const y = tree.depth[node] * rowHeight;
    if (y < view.scrollTop) view.scrollTop = y;
    else if (y + rowHeight > view.scrollTop + view.clientHeight) view.scrollTop = y + rowHeight - view.clientHeight;
  }

  view.addEventListener("scroll", redraw);
  new ResizeObserver(() => redraw()).observe(view);
  new MutationObserver(readTheme).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", readTheme);
  }
  store.on((_, changed) => {
    if (isMine) return;
    update();
    if (changed.has("zoom") || changed.has("focus")) {
      layOut();
      scrollTo(focus >= 0 ? focus : zoom);
    }
  });
  update();
  readTheme();
}

/**
 * Buttons and legend above the graph.
 *
 * @param {Data} data
 * @param {Store} store
 */
function flameTools(data, store) {
  const { modes, compare } = data.payload;
  /** @param {string} label @param {{[key: string]: string}} choices @param {"mode" | "direction"} name */
  const group = (label, choices, name) => {
    const buttons = Object.entries(choices).map(([value, title]) =>
      makeButton(title, () => store.set({ [name]: value, ...(name === "direction" ? { zoom: 0, focus: -1 } : {}) }), {
        class: "",
        "data-value": value,
      }),
    );
    return make("div", { class: "seg", role: "group", "aria-label": label }, ...buttons);
  };
  const widths = group(
    "Width",
    Object.fromEntries(modes.map((/** @type {any} */ mode) => [mode.key, mode.title])),
    "mode",
  );
  const turns = group("Direction", { callees: "Callees", callers: "Callers" }, "direction");
  const reset = makeButton("Reset zoom", () => store.set({ zoom: 0 }));
  /** @param {string} token */
  const swatch = (token) => make("i", { class: "c-" + token });
  const scale = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map((step) => swatch(tokensOfStep(step, false)[0]));
  const shades = [swatch("k0"), " still held ", swatch("k2"), swatch("k3"), " lost"];
  const legend = make(
    "span",
    { class: "key" },
    ...(compare ? ["shrank ", ...scale, " grew"] : data.lost.length ? shades : []),
  );
  const edge = make("span", { class: "key" }, make("i", { class: "edge" }), " your code ends here");
  const table = make("a", { href: "#tree" }, "As a table");
  return {
    bar: make("div", { class: "bar" }, ...(modes.length > 1 ? [widths] : []), turns, reset, legend, edge, table),
    update() {
      const state = store.get();
      for (const [bar, value] of /** @type {[HTMLElement, string][]} */ ([
        [widths, state.mode],
        [turns, state.direction],
      ])) {
        for (const button of bar.children)
          button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.value === value));
      }
      reset.disabled = !state.zoom;
    },
  };
}
