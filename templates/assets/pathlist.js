"use strict";

/**
 * The table of paths as one that is searched, sorted and longer than its static rows, which stay.
 *
 * @typedef {NonNullable<ReturnType<typeof mountPathList>>} PathList
 *
 * @param {Element} section
 * @param {Data} data
 * @param {Paths} paths
 * @param {(text: string) => void} copy
 * @param {((row: number) => void) | null} show a row in the graph, where there is one
 */
function mountPathList(section, data, paths, copy, show) {
  const table = /** @type {HTMLTableElement} */ (section.querySelector("table"));
  const written = /** @type {HTMLElement[]} */ (Array.from(section.querySelectorAll("tr[data-path]")));
  if (!written.length || !table.tHead) return null;
  const heads = Array.from(table.tHead.rows[0].cells);
  const items = paths.items(written.map((row) => row.dataset.path + " " + (row.dataset.kind || "")));
  const stacks = items.map((item) => item.rows.flatMap(paths.frames));
  /** @type {Map<Item, HTMLElement>} */
  const bodies = new Map();
  const few = written.length;
  const most = 2000;
  let limit = few;
  let listed = items;
  let sort = { column: "number", reversed: false };
  /** @type {((item: Item) => boolean) | null} */
  let matches = null;
  let run = 0;

  /** @param {Item} item */
  function bodyOf(item) {
    let body = bodies.get(item);
    if (!body) bodies.set(item, (body = addDetails(make("tbody", {}, makeRow(item)), item)));
    return body;
  }

  /** What the static rows say, without their bars. @param {Item} item */
  function makeRow(item) {
    const row = item.rows[0];
    const kind = paths.cell("leak_kind", row) || false;
    const line = make("tr", { id: "path-" + item.number, "data-path": paths.cell("id", row), "data-kind": kind });
    for (const head of heads) {
      const column = head.dataset.sort || "";
      const value = paths.value(item, column);
      const cell = make(
        "td",
        { class: head.className },
        ...(column === "name" ? aboutRow(row) : pairOf(item, column, value)),
      );
      if (head === heads[heads.length - 1]) cell.classList.add("amount");
      if (/^(?:change|slope)\./.test(column)) cell.classList.add(value > 0 ? "up" : "down");
      if (column.endsWith("_bytes") && value !== null) cell.title = formatExactBytes(value);
      line.append(cell);
    }
    return line;
  }

  /** @param {number} row */
  function aboutRow(row) {
    const frames = paths.frames(row);
    const site = frames[paths.cell("site", row) ?? -1];
    const name = make("span", { class: "who", title: paths.name(row) }, shortenName(paths.name(row), 160));
    const place = make("span", { class: "sub loc" }, frames.length ? paths.place(frames[paths.named(row)]) : "");
    if (site === undefined) return [name, " ", place];
    const module = paths.cell("module", row);
    const where = [make("code", {}, shortenName(frameName(data, site), 110)), module ? ", " + module : ""];
    return [name, " ", place, " ", make("span", { class: "sub" }, "allocates in ", ...where)];
  }

  /** What stands in a cell, and below it. @param {Item} item @param {string} column @param {any} value */
  function pairOf(item, column, value) {
    let texts = [valueWords(column, value), ""];
    const [kind, metric] = column.split(".");
    const blocks = column === "leak_kind" ? paths.value(item, "values.retained_blocks") : null;
    if (kind === "after") texts = [formatBytes(paths.value(item, "before." + metric) || 0), formatBytes(value || 0)];
    if (kind === "series") texts.unshift(formatBytes(paths.cell(column, item.rows[0])[0] || 0));
    if (blocks !== null) texts[1] = plural(blocks, "block");
    return [texts[0], " ", make("span", { class: blocks === null ? "sub ink" : "sub" }, texts[1])];
  }

  /** @param {HTMLElement} body @param {Item} item */
  function addDetails(body, item) {
    const row = item.rows[0];
    if (row === undefined) return body;
    const actions = make("div", { class: "actions" });
    actions.append(makeButton("Copy as Markdown", () => copy(paths.markdown(item))));
    if (show) actions.append(makeButton("Show in flame graph", () => show(row)));
    const known = body.querySelector("details");
    if (known) {
      (known.querySelector(".card > div") || known).append(actions);
      return body;
    }
    const id = make("code", {}, paths.cell("id", row));
    const details = make("details", {}, make("summary", { class: "muted" }, "Stack, ", id));
    details.addEventListener("toggle", () => details.append(makeStack(row, actions)), { once: true });
    body.append(make("tr", { class: "detail-row" }, make("td", { class: "detail", colspan: heads.length }, details)));
    return body;
  }

  /** @param {number} row @param {Element} actions */
  function makeStack(row, actions) {
    const frames = paths.frames(row);
    const named = paths.named(row);
    const list = make("ol", { class: "stack" });
    frames.forEach((frame, at) => {
      const name = frameName(data, frame);
      const style = at === named ? "hit" : isOwn(data, frame) ? "" : "lib";
      const texts = [String(frames.length - 1 - at), shortenName(name, 400), paths.place(frame)];
      const spans = texts.map((text, i) => make("span", { class: "ifw"[i] }, text));
      list.prepend(make("li", { class: style, title: name }, spans[0], " ", spans[1], " ", spans[2]));
    });
    const head = make("h3", {}, "Call path, innermost first");
    const why = make("p", { class: "sub" }, paths.cell("evidence", row) || "");
    return make("div", { class: "card one" }, make("div", {}, head, list, why, actions));
  }

  /** @param {number} [least] so many rows are there when this returns */
  function refresh(least = 50) {
    const focused = document.activeElement;
    listed = items.filter(matches || (() => true));
    if (sort.column !== "number") {
      const values = new Map(listed.map((item) => [item, paths.value(item, sort.column)]));
      listed.sort((one, other) => compareValues(values.get(one), values.get(other)) || one.number - other.number);
    }
    if (sort.reversed) listed.reverse();
    const shown = listed.slice(0, limit);
    for (const body of Array.from(table.tBodies)) body.remove();
    run += 1;
    append(shown, run, least);
    if (focused instanceof HTMLElement && table.contains(focused)) focused.focus({ preventScroll: true });
    const [one, many] = matches ? ["path that matches", "paths that match"] : ["path"];
    count.textContent = formatCount(shown.length) + " of " + plural(listed.length, one, many);
    const more = items.length > most ? "the first " + formatCount(most) : "all " + plural(items.length, "path");
    all.textContent = "Show " + (limit > few ? "the first " + few : more);
    all.hidden = items.length <= few;
  }

  /** @param {Item[]} shown @param {number} own @param {number} size */
  function append(shown, own, size) {
    if (own !== run) return;
    table.append(...shown.slice(0, size).map(bodyOf));
    if (shown.length > size) setTimeout(() => append(shown.slice(size), own, 100));
  }

  /** @param {Item} item */
  function goTo(item) {
    const row = bodyOf(item).querySelector("tr");
    focusOn(row);
    if (row) row.scrollIntoView({ block: "center" });
  }

  function current() {
    const body = document.activeElement && document.activeElement.closest("tbody");
    return listed.findIndex((item) => body && bodies.get(item) === body);
  }

  const count = make("span", { class: "count" });
  const all = makeButton("", () => {
    limit = limit > few ? few : most;
    refresh();
  });
  const bar = make("div", { class: "more acts" }, count, all);
  if (canSave()) {
    const json = () => JSON.stringify(paths.objects(listed), null, 1);
    bar.append(makeButton("Save as CSV", () => saveFile("paths.csv", "text/csv", paths.csv(listed))));
    bar.append(makeButton("Save as JSON", () => saveFile("paths.json", "application/json", json())));
  }
  table.after(bar);
  written.forEach((row, index) => {
    const body = /** @type {HTMLElement} */ (row.parentElement);
    bodies.set(items[index], addDetails(body, items[index]));
  });
  addSortButtons(heads, (column, reversed) => {
    sort = { column, reversed };
    refresh();
  });
  refresh();
  return {
    /** To the next or previous path. @param {number} step */
    move(step) {
      const to = Math.min(current() + step, listed.length - 1, limit - 1);
      if (to >= 0 || listed.length) goTo(listed[Math.max(to, 0)]);
    },
    /** Opens or closes the path that has the focus, or the first. */
    open() {
      const item = listed[Math.max(current(), 0)];
      const details = item && bodyOf(item).querySelector("details");
      if (!details) return;
      details.open = !details.open;
      goTo(item);
    },
    /** @param {number} number @returns {boolean} there is such a path */
    reveal(number) {
      const item = items[number - 1];
      if (!item) return false;
      if (!listed.slice(0, limit).includes(item)) {
        limit = Math.max(most, number);
        matches = null;
      }
      refresh(limit);
      const details = bodyOf(item).querySelector("details");
      if (details) details.open = true;
      goTo(item);
      return true;
    },
    /** Shows what a search finds. @param {string} text @returns {string} how many, in words */
    filter(text) {
      const query = parseQuery(text);
      const kind = query.kind.toLowerCase();
      const marks = text.trim() ? matchFrames(data, query, () => performance.now()) : null;
      matches =
        marks &&
        ((item) =>
          String(paths.value(item, "leak_kind")).startsWith(kind) && stacks[item.number - 1].some((of) => marks[of]));
      refresh();
      return formatCount(listed.length) + " of " + plural(items.length, "path");
    },
  };
}

/**
 * Makes the heads of columns that can be sorted by buttons.
 *
 * @param {HTMLTableCellElement[]} heads with `data-sort`: a column of the payload, `number` or `name`
 * @param {(column: string, reversed: boolean) => void} sort
 */
function addSortButtons(heads, sort) {
  for (const head of heads) {
    const column = head.dataset.sort;
    if (!column) continue;
    const natural = /^(?:number|name|leak_kind)$/.test(column) ? "ascending" : "descending";
    const act = () => {
      const reversed = head.getAttribute("aria-sort") === natural;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", reversed === (natural === "ascending") ? "descending" : "ascending");
      sort(column, reversed);
    };
    const button = makeButton("", act, { class: "sort" });
    button.append(...head.childNodes);
    head.append(button);
    if (column === "number") head.setAttribute("aria-sort", natural);
  }
}
