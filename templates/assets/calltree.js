"use strict";

/**
 * @typedef {object} Row of the tree that is open
 * @property {number} node
 * @property {number} level from 1
 * @property {number} folded frames of libraries below it that are shown in this row; 0 for none
 * @property {boolean} isOpen
 * @property {boolean} hasMore
 */

/**
 * The rows that are open, in order. A chain of library frames that only call one another is one row until it is opened.
 *
 * @param {Data} data
 * @param {Set<number>} open nodes whose children are shown
 * @param {Set<number>} unfolded first nodes of chains that are shown frame by frame
 * @returns {Row[]}
 */
function openRows(data, open, unfolded) {
  const { end } = data.tree;
  /** @type {Row[]} */
  const rows = [];
  /** @type {[number, number][]} node and level */
  const waiting = [[0, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, level] = next;
    const folded = unfolded.has(node) ? 0 : chainBelow(data, node);
    const isOpen = open.has(node) && !folded;
    rows.push({ node, level, folded, isOpen, hasMore: end[node] > node + 1 });
    if (!isOpen) continue;
    const children = [];
    for (let child = node + 1; child < end[node]; child = end[child]) children.push(child);
    for (const child of children.reverse()) waiting.push([child, level + 1]);
  }
  return rows;
}

/** How many library frames below a library frame have no sibling and are nobody's. @param {Data} data @param {number} node @returns {number} 0 for under two */
function chainBelow(data, node) {
  const { end, frame } = data.tree;
  const isPlain = (/** @type {number} */ one) =>
    frame[one] >= 0 && !isOwn(data, frame[one]) && !data.responsible.has(one);
  let last = node;
  if (isPlain(node)) while (end[last] > last + 1 && end[last + 1] === end[node] && isPlain(last + 1)) last++;
  return last - node < 2 ? 0 : last - node;
}

/** Opens all that is above a node. @param {Data} data @param {number} node @param {Set<number>} open @param {Set<number>} unfolded */
function openTo(data, node, open, unfolded) {
  for (let above = data.tree.parent[node]; above >= 0; above = data.tree.parent[above]) {
    open.add(above);
    if (chainBelow(data, above)) unfolded.add(above);
  }
}

/**
 * The call tree as a grid: all that the flame graph shows, in words. Only the rows in view are elements.
 *
 * @param {HTMLElement} section
 * @param {Data} data
 * @param {Store} store
 */
function mountCallTree(section, data, store) {
  const panel = section.querySelector(".panel");
  const table = /** @type {HTMLElement | null} */ (section.querySelector(".static"));
  if (!panel) return;
  const { tree } = data;
  const rowHeight = 28;
  const titles = treeColumns(data);
  const body = make("div", { role: "rowgroup", class: "rows" });
  const head = make(
    "div",
    { role: "row", class: "head" },
    ...titles.map((title, i) => make("span", { role: "columnheader", class: i > 1 ? "r" : "" }, title)),
  );
  const grid = make(
    "div",
    { class: "grid-view", role: "treegrid", tabindex: 0, "aria-label": "Call tree", "aria-colcount": titles.length },
    make("div", { role: "rowgroup" }, head),
    body,
  );
  const show = makeButton("Show in flame graph", () => {
    store.set({ zoom: selected, focus: selected });
    const graph = document.getElementById("flame");
    if (graph) graph.scrollIntoView({ block: "start" });
  });
  panel.append(
    make(
      "div",
      { class: "bar" },
      show,
      make("span", { class: "muted" }, "Arrow keys move, open and close; Enter opens"),
    ),
    grid,
  );
  if (table) table.hidden = true;

  /** @type {Set<number>} */
  const open = new Set();
  /** @type {Set<number>} */
  const unfolded = new Set();
  /** @type {Row[]} */
  let rows = [];
  let selected = 0;
  let isWaiting = false;
  // The way to the heaviest place where the reader's code ends, with what stands beside it.
  let heaviest = 0;
  while (tree.end[heaviest] > heaviest + 1 && !data.responsible.has(heaviest)) heaviest++;
  openTo(data, heaviest, open, unfolded);

  function update() {
    rows = openRows(data, open, unfolded);
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    body.style.height = rows.length * rowHeight + "px";
    redraw();
  }

  function redraw() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  }

  function draw() {
    const state = store.get();
    const key = weightKey(data, state);
    const found = searchTree(data, tree, key, state.query);
    const first = Math.max(0, Math.floor(grid.scrollTop / rowHeight) - 4);
    const count = Math.ceil(grid.clientHeight / rowHeight) + 8;
    body.replaceChildren(
      ...rows.slice(first, first + count).map((row, i) => {
        const element = treeRow(data, row, key, !!found && found.marks[row.node] === 1);
        element.setAttribute("aria-rowindex", String(first + i + 2));
        element.setAttribute("aria-selected", String(row.node === selected));
        element.style.top = (first + i) * rowHeight + "px";
        element.addEventListener("click", () => {
          if (row.node === selected || !row.hasMore) select(row.node);
          else selected = row.node;
          toggle(row);
        });
        return element;
      }),
    );
    grid.setAttribute("aria-activedescendant", "tree-" + selected);
  }

  /** @param {Row} row @param {boolean} [isOpen] */
  function toggle(row, isOpen = !row.isOpen) {
    if (row.folded) unfolded.add(row.node);
    if (isOpen) open.add(row.node);
    else open.delete(row.node);
    if (!isOpen) unfolded.delete(row.node);
    // What was folded is opened down to its last frame.
    for (let node = row.node + 1; node < row.node + row.folded; node++) (open.add(node), unfolded.add(node));
    update();
    select(row.node);
  }

  /** @param {number} node */
  function select(node) {
    selected = node;
    store.set({ focus: node });
    scrollToRow();
    redraw();
  }

  function scrollToRow() {
    const y = rows.findIndex((row) => row.node === selected) * rowHeight;
    const [top, height] = [grid.scrollTop, grid.clientHeight - rowHeight];
    if (y < top) grid.scrollTop = y;
    else if (y + rowHeight > top + height) grid.scrollTop = y + rowHeight - height;
  }

  grid.addEventListener("scroll", redraw);
  new ResizeObserver(redraw).observe(grid);
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(
      0,
      rows.findIndex((row) => row.node === selected),
    );
    const row = rows[at];
    /** @type {{[key: string]: () => void}} */
    const acts = {
      ArrowDown: () => select(rows[Math.min(at + 1, rows.length - 1)].node),
      ArrowUp: () => select(rows[Math.max(at - 1, 0)].node),
      Home: () => select(rows[0].node),
      End: () => select(rows[rows.length - 1].node),
      ArrowRight: () => (row.hasMore && !row.isOpen ? toggle(row, true) : acts.ArrowDown()),
      ArrowLeft: () => (row.isOpen ? toggle(row, false) : select(Math.max(0, tree.parent[row.node]))),
      Enter: () => row.hasMore && toggle(row),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  });
  store.on((state, changed) => {
    const node = state.focus >= 0 ? state.focus : state.zoom;
    if ((changed.has("focus") || changed.has("zoom")) && node !== selected) {
      selected = node;
      openTo(data, node, open, unfolded);
      update();
      scrollToRow();
    }
    redraw();
  });
  update();
}

/** @param {Data} data @returns {string[]} */
function treeColumns(data) {
  const amounts = data.payload.compare ? ["Before", "After", "Change"] : data.lost.length ? ["Held", "Lost"] : ["Held"];
  return ["Frame", "Library", ...amounts, "Of total"];
}

/** @param {Data} data @param {Row} row @param {string} key @param {boolean} isFound */
function treeRow(data, row, key, isFound) {
  const { tree } = data;
  const { node } = row;
  const frame = tree.frame[node];
  const twisty = row.hasMore ? (row.isOpen ? "\u25be" : "\u25b8") : "";
  const name = make("code", { class: isOwn(data, frame) ? "own" : "" }, nodeName(data, tree, node));
  const cell = make("span", { role: "gridcell" }, make("i", { "aria-hidden": "true" }, twisty), name);
  cell.style.paddingLeft = 8 + Math.min(row.level - 1, 24) * 14 + "px";
  cell.title = nodeName(data, tree, node);
  if (row.folded) cell.append(make("span", { class: "faint" }, " \u22ef " + plural(row.folded, "more frame")));
  if (data.responsible.has(node)) cell.append(make("span", { class: "faint" }, " your code ends here"));
  if (isFound) cell.append(make("mark", {}, "match"));
  const cells = [cell, make("span", { role: "gridcell" }, libraryOf(data, frame))];
  /** @param {string} text @param {string} [style] @param {string} [title] */
  const add = (text, style = "", title = "") =>
    cells.push(make("span", { role: "gridcell", class: "r " + style, title }, text));
  /** @param {number} amount */
  const addBytes = (amount) => add(formatBytes(amount), "", formatExactBytes(amount));
  const { compare } = data.payload;
  const sums = sumsOf(data, tree, compare ? compare.after : key);
  if (compare) {
    const change = changeOf(data, tree, node);
    addBytes(sumsOf(data, tree, compare.before)[node]);
    addBytes(sums[node]);
    add(markedChange(change), change > 0 ? "up" : change < 0 ? "down" : "muted", formatExactBytes(change));
  } else {
    addBytes(sums[node]);
    if (data.lost.length) addBytes(lostOf(data, tree, node));
  }
  add(formatShare(sums[node], sums[0]));
  const element = make("div", { role: "row", id: "tree-" + node, "aria-level": row.level }, ...cells);
  if (row.hasMore) element.setAttribute("aria-expanded", String(row.isOpen));
  return element;
}
