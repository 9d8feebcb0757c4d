"use strict";

/**
 * What the list of paths offers to the rest of the page.
 *
 * @typedef {object} PathList
 * @property {(step: number) => void} move the focus to the next or previous path
 * @property {() => void} open or close the path that has it
 * @property {(number: number) => boolean} reveal the path of that number; false where there is none
 * @property {(text: string) => string} filter what matches is shown, and counted in words; all where nothing is searched
 */

/**
 * Makes the table of paths one that is filtered, sorted and longer than its static rows, which stay.
 *
 * @param {Element} section
 * @param {Data} data
 * @param {{copy: (text: string) => void, show: ((row: number) => void) | null}} page
 * @returns {PathList | null} null where there is no table
 */
function mountPathList(section, data, page) {
  const table = /** @type {HTMLTableElement} */ (section.querySelector("table"));
  if (!table || !table.tHead || !data.payload.rows.id.length) return null;
  const heads = Array.from(table.tHead.rows[0].cells);
  const statics = /** @type {HTMLTableRowElement[]} */ (Array.from(table.querySelectorAll("tr[data-path]")));
  const items = listItems(
    data.payload,
    statics.map((row) => ({ id: row.dataset.path || "", kind: row.dataset.kind || null })),
  );
  /** @type {Map<Item, HTMLElement>} */
  const bodies = new Map();
  const most = 2000;
  let limit = statics.length;
  let sort = { column: "number", reversed: false };
  /** @type {Item[]} */
  let listed = items;
  /** @type {Set<Item> | null} */
  let matching = null;
  let run = 0;

  /** @param {Item} item */
  function bodyOf(item) {
    const body = bodies.get(item) || makeBody(item, heads, data);
    if (!bodies.has(item)) addDetails(body, item);
    bodies.set(item, body);
    return body;
  }

  /** @param {HTMLElement} body @param {Item} item */
  function addDetails(body, item) {
    if (!item.rows.length) return;
    let cell = body.querySelector(".detail-row > td");
    if (!cell) {
      cell = make("td", { class: "detail", colspan: heads.length });
      body.append(make("tr", { class: "detail-row" }, cell));
    }
    let details = cell.querySelector("details");
    const actions = make("div", { class: "actions" });
    actions.append(makeButton("Copy as Markdown", () => page.copy(pathMarkdown(data, item))));
    const { show } = page;
    if (show) actions.append(makeButton("Show in flame graph", () => show(item.rows[0])));
    if (details) {
      (details.querySelector(".card > div") || details).append(actions);
      return;
    }
    details = make(
      "details",
      {},
      make("summary", { class: "muted" }, "Stack, ", make("code", {}, data.payload.rows.id[item.rows[0]])),
    );
    details.addEventListener(
      "toggle",
      (event) => fillDetails(/** @type {Element} */ (event.target), item, data, actions),
      { once: true },
    );
    cell.append(details);
  }

  /** @param {number} [least] so many are there when this returns */
  function refresh(least = 50) {
    const value = (/** @type {Item} */ item) => sortValue(data.payload, item, sort.column);
    listed = items.filter((item) => !matching || matching.has(item));
    if (sort.column !== "number")
      listed.sort((one, other) => compareValues(value(one), value(other)) || one.number - other.number);
    if (sort.reversed) listed.reverse();
    const shown = listed.slice(0, limit);
    const focused = document.activeElement;
    for (const body of Array.from(table.tBodies)) body.remove();
    run += 1;
    appendFrom(0, run, shown, least);
    if (focused instanceof HTMLElement && table.contains(focused)) focused.focus({ preventScroll: true });
    count.textContent =
      formatCount(shown.length) +
      " of " +
      plural(items.length, "path") +
      (matching ? ", " + formatCount(listed.length) + " match" : "");
    all.hidden = items.length <= statics.length;
    all.textContent = limit > statics.length ? "Show the first " + statics.length : allWords;
  }

  /** @param {number} start @param {number} own @param {Item[]} shown @param {number} size */
  function appendFrom(start, own, shown, size) {
    if (own !== run) return;
    table.append(...shown.slice(start, start + size).map(bodyOf));
    if (start + size < shown.length) setTimeout(() => appendFrom(start + size, own, shown, 100));
  }

  /** @param {Item} item */
  function focusOn(item) {
    const row = /** @type {HTMLElement} */ (bodyOf(item).querySelector("tr"));
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
  }

  function current() {
    const body = document.activeElement && document.activeElement.closest("tbody");
    return listed.findIndex((item) => body && bodies.get(item) === body);
  }

  const allWords =
    items.length > most ? "Show the first " + formatCount(most) : "Show all " + plural(items.length, "path");
  const count = make("span", { class: "count" });
  const all = makeButton(allWords, () => {
    limit = limit > statics.length ? statics.length : most;
    refresh();
  });
  const bar = make("div", { class: "more bar" }, count, all);
  if (canSave()) {
    const name = "call-paths";
    bar.append(
      makeButton("Save as CSV", () => saveFile(name + ".csv", "text/csv", csvText(pathTable(data, listed)))),
      makeButton("Save as JSON", () =>
        saveFile(name + ".json", "application/json", JSON.stringify(pathObjects(data, listed), null, 1)),
      ),
    );
  }
  /** @type {Element} */ (table.closest(".panel")).append(bar);
  statics.forEach((row, index) => bodies.set(items[index], /** @type {HTMLElement} */ (row.parentElement)));
  for (const [item, body] of bodies) addDetails(body, item);
  addSortButtons(heads, (column, reversed) => {
    sort = { column, reversed };
    refresh();
  });
  refresh();
  const stacks = new Map(
    items.map((item) => [item, item.rows.flatMap((row) => rowFrames(data.payload, data.tree.parent, row))]),
  );
  return {
    move(step) {
      const to = Math.min(Math.max(current() + step, 0), Math.min(listed.length, limit) - 1);
      if (listed[to]) focusOn(listed[to]);
    },
    open() {
      const item = listed[Math.max(current(), 0)];
      const details = item && bodyOf(item).querySelector("details");
      if (!details) return;
      details.open = !details.open;
      focusOn(item);
    },
    reveal(number) {
      const item = items[number - 1];
      if (!item) return false;
      matching = null;
      if (!listed.slice(0, limit).includes(item)) limit = most;
      refresh(most);
      const details = bodyOf(item).querySelector("details");
      if (details) details.open = true;
      focusOn(item);
      return true;
    },
    filter(text) {
      matching = text.trim() ? new Set(items.filter(matcher(data, text, stacks))) : null;
      refresh();
      return matching ? formatCount(matching.size) + " of " + plural(items.length, "path") : "";
    },
  };
}

/**
 * Whether a search finds an entry: one of its frames, and its kind.
 *
 * @param {Data} data
 * @param {string} text
 * @param {Map<Item, number[]>} stacks
 * @returns {(item: Item) => boolean}
 */
function matcher(data, text, stacks) {
  const query = parseQuery(text);
  const marks = matchFrames(data, query, () => performance.now());
  return (item) =>
    (!query.kind || String(itemValue(data.payload, item, "leak_kind")).startsWith(query.kind.toLowerCase())) &&
    (stacks.get(item) || []).some((frame) => marks[frame]);
}

/**
 * Makes the heads of columns that can be sorted by buttons.
 *
 * @param {HTMLTableCellElement[]} heads with `data-sort`: the column of the payload
 * @param {(column: string, reversed: boolean) => void} sort
 */
function addSortButtons(heads, sort) {
  for (const head of heads) {
    const column = head.dataset.sort;
    if (!column) continue;
    const rises = /^(?:number|name|leak_kind)$/.test(column);
    const button = makeButton(
      head.textContent || "",
      () => {
        const reversed = head.getAttribute("aria-sort") === (rises ? "ascending" : "descending");
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rises !== reversed ? "ascending" : "descending");
        sort(column, reversed);
      },
      { class: "sort" },
    );
    head.replaceChildren(button);
    if (column === "number") head.setAttribute("aria-sort", "ascending");
  }
}
