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
  const written = /** @type {HTMLElement[]} */ ([...section.querySelectorAll("tr[data-path]")]);
  if (!written.length || !table.tHead) return null;
  const heads = [...table.tHead.rows[0].cells];
  const items = paths.items(written.map(({ dataset }) => `${dataset.path} ${dataset.kind || ""}`));
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
    const body = bodies.get(item) || addDetails(make("tbody", "", makeRow(item)), item);
    bodies.set(item, body);
    return body;
  }

  /** What the static rows say. @param {Item} item */
  function makeRow(item) {
    const row = item.rows[0];
    const [id, kind] = [paths.cell("id", row), paths.cell("leak_kind", row)];
    const line = make("tr", { id: `path-${item.number}`, "data-path": id, "data-kind": kind });
    for (const head of heads) {
      const column = head.dataset.sort || "";
      const value = paths.value(item, column);
      const cell = make("td", head.className, ...(column === "name" ? aboutRow(row) : pairOf(item, column, value)));
      if (/^(?:change|slope)\./.test(column)) cell.classList.add(toneOf(value));
      if (column.endsWith("_bytes") && value !== null) cell.title = formatExactBytes(value);
      line.append(cell);
    }
    line.lastElementChild?.classList.add("amount");
    return line;
  }

  /** @param {number} row */
  function aboutRow(row) {
    const [frames, name, module] = [paths.frames(row), paths.name(row), paths.cell("module", row)];
    const site = frames[paths.cell("site", row) ?? -1];
    const place = frames.length ? placeOf(data, frames[paths.named(row)]) : "";
    const about = [
      make("span", { class: "who", title: name }, shortenName(name, 160)),
      " ",
      make("span", "sub loc", place),
    ];
    if (site === undefined) return about;
    const where = make("code", "", shortenName(frameName(data, site), 110));
    return [...about, " ", make("span", "sub", "allocates in ", where, module ? `, ${module}` : "")];
  }

  /** What stands in a cell, and below it. @param {Item} item @param {string} column @param {any} value */
  function pairOf(item, column, value) {
    const [kind, metric] = column.split(".");
    const blocks = column === "leak_kind" ? paths.value(item, "values.retained_blocks") : null;
    let texts = [valueWords(column, value), blocks === null ? "" : plural(blocks, "block")];
    if (kind === "after")
      texts = [paths.value(item, `before.${metric}`), value].map((bytes) => formatBytes(bytes || 0));
    if (kind === "series") texts.unshift(formatBytes(paths.cell(column, item.rows[0])[0] || 0));
    return [texts[0], " ", make("span", blocks === null ? "sub ink" : "sub", texts[1])];
  }

  /** @param {HTMLElement} body @param {Item} item */
  function addDetails(body, item) {
    const row = item.rows[0];
    if (row === undefined) return body;
    const actions = make(
      "div",
      "actions",
      makeButton("Copy as Markdown", () => copy(paths.markdown(item))),
    );
    if (show) actions.append(makeButton("Show in flame graph", () => show(row)));
    const known = body.querySelector("details");
    if (known) {
      (known.querySelector(".card > div") || known).append(actions);
      return body;
    }
    const details = make("details", "", make("summary", "muted", "Stack, ", make("code", "", paths.cell("id", row))));
    details.addEventListener("toggle", () => details.append(makeStack(row, actions)), { once: true });
    body.append(make("tr", "detail-row", make("td", { class: "detail", colspan: heads.length }, details)));
    return body;
  }

  /** @param {number} row @param {Element} actions */
  function makeStack(row, actions) {
    const frames = paths.frames(row);
    const named = paths.named(row);
    const lines = frames.map((frame, at) => {
      const name = frameName(data, frame);
      const style = at === named ? "hit" : isOwn(data, frame) ? "" : "lib";
      const texts = [`${frames.length - 1 - at}`, shortenName(name, 400), placeOf(data, frame)];
      return make(
        "li",
        { class: style, title: name },
        ...texts.flatMap((text, i) => [make("span", "ifw"[i], text), " "]),
      );
    });
    const stack = make("ol", "stack", ...lines.reverse());
    const why = make("p", "sub", paths.cell("evidence", row) || "");
    return make("div", "card one", make("div", "", make("h3", "", "Call path, innermost first"), stack, why, actions));
  }

  /** @param {number} [least] so many rows are there when this returns */
  function refresh(least = 50) {
    const focused = document.activeElement;
    listed = items.filter(matches || (() => true));
    const values = new Map(listed.map((item) => [item, paths.value(item, sort.column)]));
    // The numbers are sorted by already.
    if (sort.column !== "number")
      listed.sort((one, other) => compareValues(values.get(one), values.get(other)) || one.number - other.number);
    if (sort.reversed) listed.reverse();
    const shown = listed.slice(0, limit);
    for (const body of [...table.tBodies]) body.remove();
    append(shown, ++run, least);
    if (focused instanceof HTMLElement && table.contains(focused)) focused.focus({ preventScroll: true });
    const [one, many] = matches ? ["path that matches", "paths that match"] : ["path"];
    count.textContent = `${formatCount(shown.length)} of ${plural(listed.length, one, many)}`;
    const first = limit > few ? few : most;
    all.textContent =
      items.length > first ? `Show the first ${formatCount(first)}` : `Show all ${plural(items.length, "path")}`;
    all.hidden = items.length <= few;
  }

  /** @param {Item[]} shown @param {number} own @param {number} size */
  function append(shown, own, size) {
    if (own !== run) return;
    table.append(...shown.slice(0, size).map(bodyOf));
    if (shown.length > size) setTimeout(() => append(shown.slice(size), own, 100));
  }

  /** @param {Item} item @param {boolean} [isOpen] its details are to be open, or closed */
  function goTo(item, isOpen) {
    const body = bodyOf(item);
    const [row, details] = [body.querySelector("tr"), body.querySelector("details")];
    if (details && isOpen !== undefined) details.open = isOpen;
    focusOn(row);
    row?.scrollIntoView({ block: "center" });
  }

  function current() {
    const body = document.activeElement?.closest("tbody");
    return listed.findIndex((item) => body && bodies.get(item) === body);
  }

  const count = make("span", "count");
  const all = makeButton("", () => {
    limit = limit > few ? few : most;
    refresh();
  });
  const bar = make("div", "more acts", count, all);
  if (canSave()) {
    bar.append(
      makeButton("Save as CSV", () => saveFile("paths.csv", "text/csv", paths.csv(listed))),
      makeButton("Save as JSON", () =>
        saveFile("paths.json", "application/json", JSON.stringify(paths.objects(listed), null, 1)),
      ),
    );
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
      if (listed.length) goTo(listed[Math.max(to, 0)]);
    },
    /** Opens or closes the path that has the focus, or the first. */
    open() {
      const item = listed[Math.max(current(), 0)];
      if (item) goTo(item, !bodyOf(item).querySelector("details")?.open);
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
      goTo(item, true);
      return true;
    },
    /** Shows what a search finds. @param {Found | null} found @returns {string} how many, in words */
    filter(found) {
      matches =
        found &&
        ((item) =>
          `${paths.value(item, "leak_kind")}`.startsWith(found.kind) &&
          stacks[item.number - 1].some((of) => found.frames[of]));
      refresh();
      return `${formatCount(listed.length)} of ${plural(items.length, "path")}`;
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
    const ways = ["ascending", "descending"];
    if (!/^(?:number|name|leak_kind)$/.test(column)) ways.reverse();
    const act = () => {
      const reversed = head.getAttribute("aria-sort") === ways[0];
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ways[Number(reversed)]);
      sort(column, reversed);
    };
    const button = makeButton("", act, "sort");
    button.append(...head.childNodes);
    head.append(button);
    if (column === "number") head.setAttribute("aria-sort", ways[0]);
  }
}
