"use strict";

/**
 * The rows that are open, in order. A chain of library frames that only call one another is one row until it is opened.
 * Given are the nodes whose children are shown, and the first ones of chains that are shown frame by frame.
 *
 * @type {(data: Data, key: string, open: Set<number>, unfolded: Set<number>) => Row[]}
 */
function openRows(data, key, open, unfolded) {
  /** @type {Row[]} */
  const rows = [];
  const waiting = [[0, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, level] = next;
    const folded = unfolded.has(node) ? 0 : chainBelow(data, node);
    const isOpen = open.has(node) && !folded;
    const children = childrenOf(data.tree, node).filter((child) => holdsAnything(data, child, key));
    rows.push({ node, level, folded, isOpen, hasMore: children.length > 0 });
    if (isOpen) for (const child of children.reverse()) waiting.push([child, level + 1]);
  }
  return rows;
}

/** One of the columns has something. @type {(data: Data, node: number, key: string) => boolean} */
function holdsAnything(data, node, key) {
  const { compare } = data.payload;
  return (compare ? [compare.before, compare.after] : [key]).some(
    (column) => sumsOf(data, data.tree, column)[node] > 0,
  );
}

/** How many library frames below a library frame have no sibling, from two on. @type {OfFrame<number>} */
function chainBelow(data, node) {
  const { end, frame } = data.tree;
  const isPlain = (/** @type {number} */ one) =>
    frame[one] >= 0 && !isOwn(data, frame[one]) && !data.responsible.has(one);
  const { paths } = data.payload.tree;
  let last = node;
  if (isPlain(node)) while (end[last + 1] === end[node] && isPlain(last + 1) && !paths[last]) last++;
  return last - node < 2 ? 0 : last - node;
}

/** The call tree as a grid: in words all that the flame graph shows. Only rows in view are elements. @type {(section: HTMLElement, data: Data, store: Store) => void} */
function mountCallTree(section, data, store) {
  const rowHeight = 28;
  const { tree } = data;
  const { compare, modes } = data.payload;
  const amounts = compare ? ["Before", "After", "Change"] : data.lost.length ? ["", "Lost"] : [""];
  const titles = ["Frame", "Library", ...amounts, "Of total"].map((title, i) =>
    make("span", { role: "columnheader", class: i > 1 ? "r" : "" }, title),
  );
  const head = make("div", { role: "rowgroup", class: "head" }, make("div", { role: "row" }, ...titles));
  const body = make("div", { role: "rowgroup", class: "rows" });
  const grid = make("div", { class: "sheet", role: "treegrid", tabindex: 0, "aria-label": "Call tree" }, head, body);
  const show = makeButton("Show in flame graph", () => {
    store.set({ zoom: selected, focus: selected });
    const graph = document.getElementById("flame");
    if (graph) graph.scrollIntoView({ block: "start" });
  });
  const panel = /** @type {Element} */ (section.querySelector(".panel"));
  const table = section.querySelector(".static");
  panel.append(
    make("div", { class: "bar" }, show, make("span", { class: "muted" }, "Arrow keys move, open and close rows")),
    grid,
  );
  if (table) table.setAttribute("hidden", "");

  /** @type {Set<number>} */
  const open = new Set();
  /** @type {Set<number>} */
  const unfolded = new Set();
  /** @type {Row[]} */
  let rows = [];
  let selected = 0;
  const redraw = oncePerFrame(draw);

  function draw() {
    const { scrollTop, clientHeight } = grid;
    const state = store.get();
    const key = weightKey(data, state);
    const found = searchTree(data, tree, key, state.query);
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - 4);
    const seen = rows.slice(first, first + Math.ceil(clientHeight / rowHeight) + 8).map((row, i) => {
      const element = treeRow(data, row, key, !!found && found.marks[row.node] === 1);
      element.setAttribute("aria-rowindex", String(first + i + 2));
      element.setAttribute("aria-selected", String(row.node === selected));
      element.style.top = (first + i) * rowHeight + "px";
      element.addEventListener("click", () => (row.hasMore ? toggle(row) : select(row.node)));
      return element;
    });
    const mode = modes.find((/** @type {any} */ one) => one.key === state.mode);
    if (!compare && mode) titles[2].textContent = mode.title;
    body.style.height = rows.length * rowHeight + "px";
    body.replaceChildren(...seen);
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    grid.setAttribute("aria-activedescendant", "tree-" + selected);
  }

  /** @type {(row: Row) => void} */
  function toggle({ node, folded, isOpen }) {
    (isOpen ? open : new Set()).delete(node);
    if (isOpen) unfolded.delete(node);
    // What was folded opens down to its last frame.
    for (let i = 0; !isOpen && i <= Math.max(folded - 1, 0); i++) {
      open.add(node + i);
      if (folded) unfolded.add(node + i);
    }
    select(node);
  }

  /** @type {(node: number) => void} */
  function select(node) {
    reveal(node);
    store.set({ focus: node });
  }

  /** @type {(node: number) => void} */
  function reveal(node) {
    selected = node;
    for (let above = tree.parent[node]; above >= 0; above = tree.parent[above]) {
      open.add(above);
      if (chainBelow(data, above)) unfolded.add(above);
    }
    rows = openRows(data, weightKey(data, store.get()), open, unfolded);
    const y = rows.findIndex((row) => row.node === node) * rowHeight;
    body.style.height = rows.length * rowHeight + "px";
    grid.scrollTop = Math.min(y, Math.max(grid.scrollTop, y + 2 * rowHeight - grid.clientHeight));
    redraw();
  }

  grid.addEventListener("scroll", redraw);
  new ResizeObserver(redraw).observe(grid);
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = rows.findIndex((row) => row.node === selected);
    const row = rows[at];
    /** @type {(to: number) => void} */
    const move = (to) => select(rows[Math.min(Math.max(to, 0), rows.length - 1)].node);
    /** @type {{[key: string]: () => void}} */
    const acts = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      PageDown: () => move(at + 15),
      PageUp: () => move(at - 15),
      Home: () => move(0),
      End: () => move(rows.length),
      ArrowRight: () => (row.hasMore && !row.isOpen ? toggle(row) : move(at + 1)),
      ArrowLeft: () => (row.isOpen ? toggle(row) : select(Math.max(0, tree.parent[row.node]))),
      Enter: () => row.hasMore && toggle(row),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  });
  store.on((state, changed) => {
    const node = changed.has("zoom") && state.focus < 0 ? state.zoom : state.focus;
    if (changed.has("mode") || changed.has("snapshot") || (node >= 0 && node !== selected)) reveal(node < 0 ? 0 : node);
    redraw();
  });
  // At first the way to the heaviest place where the reader's code ends, with what stands beside it.
  let heaviest = 0;
  while (tree.end[heaviest] > heaviest + 1 && !data.responsible.has(heaviest)) heaviest++;
  reveal(heaviest);
  reveal(0);
}

/** @type {(data: Data, row: Row, key: string, isFound: boolean) => HTMLElement} */
function treeRow(data, { node, level, folded, isOpen, hasMore }, key, isFound) {
  const { tree } = data;
  const { compare } = data.payload;
  const name = nodeName(data, tree, node);
  const frame = tree.frame[node];
  /** @type {(text: string, style?: string, title?: string) => HTMLElement} */
  const cell = (text, style = "", title = text) => make("span", { role: "gridcell", class: style, title }, text);
  const unit = compare ? compare.after : key;
  /** @type {(amount: number, shown?: string, style?: string) => HTMLElement} */
  const figure = (amount, shown = amountText(unit, amount), style = "") =>
    cell(shown, "r " + style, (/_bytes/.test(unit) ? formatExactBytes : formatCount)(amount));
  const first = cell("", "", name);
  first.style.paddingLeft = Math.min(level - 1, 24) * 14 + "px";
  first.append(make("i", { "aria-hidden": "true" }, hasMore ? (isOpen ? "\u25be" : "\u25b8") : ""));
  const { frames } = data.payload;
  const file = frameText(data, frame, "file").replace(/^.*\//, "");
  const place = file && file + (frames.line[frame] ? ":" + frames.line[frame] : "");
  first.append(make("code", { class: isOwn(data, frame) ? "own" : "" }, shortenName(name, 90)));
  first.append(make("span", { class: "faint" }, place));
  if (folded) first.append(make("span", { class: "faint" }, "\u22ef " + plural(folded, "more frame")));
  if (data.responsible.has(node)) first.append(make("span", { class: "faint" }, "your code ends here"));
  if (isFound) first.append(make("mark", {}, "match"));
  const sums = sumsOf(data, tree, unit);
  const cells = [first, cell(libraryOf(data, frame))];
  if (compare) cells.push(figure(sumsOf(data, tree, compare.before)[node]));
  cells.push(figure(sums[node]));
  if (compare) {
    const change = changeOf(data, tree, node);
    cells.push(figure(change, markedChange(unit, change), change > 0 ? "up" : change < 0 ? "down" : "muted"));
  } else if (data.lost.length) cells.push(figure(lostOf(data, tree, node)));
  cells.push(cell(formatShare(sums[node], sums[0]), "r"));
  const row = make("div", { role: "row", id: "tree-" + node, "aria-level": level }, ...cells);
  if (hasMore) row.setAttribute("aria-expanded", String(isOpen));
  return row;
}
