/**
 * The rows that are open, in order. A chain of library frames that only call one another is one row until it is opened.
 * Given are the nodes whose children are shown, and the first ones of chains that are shown frame by frame.
 *
 * @type {(data: Data, key: string, open: Set<number>, unfolded: Set<number>) => Row[]}
 */
function openRows(data, key, open, unfolded) {
  /** @type {Row[]} */
  const rows = [];
  const { compare } = data;
  const columns = compare ? [compare.before, compare.after] : [key];
  const sums = columns.map((column) => sumsOf(data, data.tree, column));
  const waiting = [[0, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, level] = next;
    const folded = unfolded.has(node) ? 0 : chainBelow(data, node);
    const isOpen = open.has(node) && !folded;
    const children = childrenOf(data.tree, node).filter((child) => sums.some((one) => one[child] > 0));
    rows.push({ node, level, folded, isOpen, hasMore: children.length > 0 });
    if (isOpen) for (const child of children.reverse()) waiting.push([child, level + 1]);
  }
  return rows;
}

/** How many library frames below a library frame have no sibling, from two on. @type {OfFrame<number>} */
function chainBelow(data, node) {
  const { end, frame } = data.tree;
  const isPlain = (/** @type {number} */ one) =>
    frame[one] >= 0 && !isOwn(data, frame[one]) && !data.responsible.has(one);
  const { paths } = data.stored;
  let last = node;
  if (isPlain(node)) while (end[last + 1] === end[node] && isPlain(last + 1) && !paths[last]) last++;
  return last - node < 2 ? 0 : last - node;
}

/** The call tree as a grid: in words all that the flame graph shows. Only rows in view are elements. @type {(section: HTMLElement, data: Data, store: Store) => void} */
function mountCallTree(section, data, store) {
  const rowHeight = 28;
  const { tree } = data;
  const { compare, modes } = data;
  const amounts = compare ? ["Before", "After", "Change"] : data.lost.length ? ["", "Lost"] : [""];
  const titles = ["Frame", "Library", ...amounts, "Of total"].map((title, i) =>
    make("span", { role: "columnheader", class: i > 1 && "r" }, title),
  );
  const head = make("div", { role: "rowgroup", class: "head" }, make("div", { role: "row" }, ...titles));
  const body = make("div", { role: "rowgroup", class: "rows" });
  const grid = make("div", { class: "sheet", role: "treegrid", tabindex: 0, "aria-label": "Call tree" }, head, body);
  const show = makeButton("Show in flame graph", () => {
    store.set({ zoom: selected, focus: selected });
    showGraph();
  });
  const hint = make("span", "muted", "Arrow keys move, open and close rows");
  section.querySelector(".panel")?.append(make("div", "bar", show, hint), grid);
  section.querySelector(".static")?.setAttribute("hidden", "");

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
      const element = treeRow(data, row, key, {
        isFound: found?.marks[row.node] === 1,
        isSelected: row.node === selected,
        index: first + i + 2,
      });
      element.style.top = (first + i) * rowHeight + "px";
      listen(element, "click", () => (row.hasMore ? toggle(row) : select(row.node)));
      return element;
    });
    const mode = modes.find((/** @type {any} */ one) => one.key === state.mode);
    if (!compare && mode) titles[2].textContent = mode.title;
    body.replaceChildren(...seen);
    grid.setAttribute("aria-rowcount", `${rows.length + 1}`);
    grid.setAttribute("aria-activedescendant", `tree-${selected}`);
  }

  /** @type {(row: Row) => void} */
  function toggle({ node, folded, isOpen }) {
    open.add(node);
    // What was folded opens down to its last frame.
    for (let below = node; below < node + folded; below++) [open, unfolded].forEach((nodes) => nodes.add(below));
    if (isOpen) [open, unfolded].forEach((nodes) => nodes.delete(node));
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
    body.style.height = rows.length * rowHeight + "px";
    // The head takes the height of a row.
    scrollToRow(grid, rows.findIndex((row) => row.node === node) * rowHeight, 2 * rowHeight);
    redraw();
  }

  listen(grid, "scroll", redraw);
  new ResizeObserver(redraw).observe(grid);
  onKeys(grid, (key) => {
    const at = rows.findIndex((row) => row.node === selected);
    const { node, hasMore, isOpen } = rows[at];
    /** @type {{[key: string]: number}} */
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -at, End: rows.length, ArrowRight: 1 };
    const isToggle = { ArrowRight: hasMore && !isOpen, ArrowLeft: isOpen, Enter: hasMore }[key];
    const to = rows[Math.min(Math.max(at + steps[key], 0), rows.length - 1)];
    if (isToggle) toggle(rows[at]);
    else if (key === "ArrowLeft") select(Math.max(0, tree.parent[node]));
    else if (to) select(to.node);
    return !!to || key === "ArrowLeft" || key === "Enter";
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

/** @type {(data: Data, row: Row, key: string, state: {isFound: boolean, isSelected: boolean, index: number}) => HTMLElement} */
function treeRow(data, { node, level, folded, isOpen, hasMore }, key, { isFound, isSelected, index }) {
  const { tree } = data;
  const { compare } = data;
  const name = nodeName(data, tree, node);
  const frame = tree.frame[node];
  const unit = compare ? compare.after : key;
  const library = libraryOf(data, frame);
  /** @type {(text: string, style?: string, title?: string) => HTMLElement} */
  const cell = (text, style = "", title = text) => make("span", { role: "gridcell", class: style, title }, text);
  /** @type {(amount: number, shown?: string, style?: string) => HTMLElement} */
  const figure = (amount, shown = amountText(unit, amount), style = "") =>
    cell(shown, `r ${style}`, (/_bytes/.test(unit) ? formatExactBytes : formatCount)(amount));
  const place = placeOf(data, frame, 1);
  const notes = [place === library ? "" : place];
  if (folded) notes.push(`\u22ef ${plural(folded, "more frame")}`);
  if (data.responsible.has(node)) notes.push("your code ends here");
  const first = cell("", "", name);
  first.style.paddingLeft = Math.min(level - 1, 24) * 14 + "px";
  first.append(
    make("i", { "aria-hidden": "true" }, hasMore ? (isOpen ? "\u25be" : "\u25b8") : ""),
    make("code", isOwn(data, frame) ? "own" : "", shortenName(name, 90)),
    ...notes.map((note) => make("span", "faint", note)),
  );
  if (isFound) first.append(make("mark", "", "match"));
  const sums = sumsOf(data, tree, unit);
  const cells = [first, cell(library)];
  if (compare) {
    const change = changeOf(data, tree, node);
    cells.push(figure(sumsOf(data, tree, compare.before)[node]), figure(sums[node]));
    cells.push(figure(change, markedChange(unit, change), toneOf(change)));
  } else {
    cells.push(figure(sums[node]));
    if (data.lost.length) cells.push(figure(lostOf(data, tree, node)));
  }
  cells.push(cell(formatShare(sums[node], sums[0]), "r"));
  const attributes = {
    role: "row",
    id: `tree-${node}`,
    "aria-level": level,
    "aria-rowindex": index,
    "aria-selected": `${isSelected}`,
    "aria-expanded": hasMore && `${isOpen}`,
  };
  return make("div", attributes, ...cells);
}
