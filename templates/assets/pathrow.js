"use strict";

/** @param {string | null} kind with its mark, as Python writes it */
function kindWords(kind) {
  /** @type {{[kind: string]: string}} */
  const words = {
    definite: "\u25cf definitely lost",
    indirect: "\u25c9 indirectly lost",
    possible: "\u25d0 possibly lost",
    reachable: "\u25cb still reachable",
  };
  return kind ? words[kind] || kind : "";
}

/** What a column is sorted by. @param {any} payload @param {Item} item @param {string} column */
function sortValue(payload, item, column) {
  const value = itemValue(payload, item, column);
  return column === "leak_kind" && value
    ? ["definite", "indirect", "possible", "reachable"].indexOf(String(value)) + " "
    : value;
}

/** @param {number} change with its mark: colour never stands alone */
function changeWords(change) {
  return (change > 0 ? "\u25b2 " : change < 0 ? "\u25bc " : "") + formatChange(change);
}

/** @param {string} column @param {number | string | null} value */
function valueWords(column, value) {
  if (value === null) return "";
  if (column === "leak_kind") return kindWords(String(value));
  if (typeof value === "string") return value;
  if (column.endsWith("_blocks")) return formatCount(value);
  if (column.startsWith("change.")) return changeWords(value);
  if (column.startsWith("slope.")) return changeWords(Math.round(value));
  return formatBytes(value);
}

/**
 * The row of an entry that has none on the page yet: what the static rows say, without their bars.
 *
 * @param {Item} item
 * @param {HTMLTableCellElement[]} heads
 * @param {Data} data
 */
function makeBody(item, heads, data) {
  const { rows } = data.payload;
  const first = item.rows[0];
  const frames = rowFrames(data.payload, data.tree.parent, first);
  const named = frames[namedPosition(data.payload, frames, first)];
  const line = make("tr", { id: "path-" + item.number, "data-path": rows.id[first] });
  for (const head of heads) {
    const column = head.dataset.sort || "";
    const cell = make("td", { class: head.className });
    const value = itemValue(data.payload, item, column);
    if (column === "number") cell.append(formatCount(item.number));
    else if (column === "name") {
      const name = named === undefined ? "[no stack]" : frameName(data, named);
      const place = [named === undefined ? "" : framePlace(data, named), rows.module && rows.module[first]]
        .filter(Boolean)
        .join(" ");
      cell.append(
        make("span", { class: "who", title: name }, shortenName(name, 160)),
        " ",
        make("span", { class: "sub" }, place),
      );
    } else if (column.startsWith("after.")) {
      const before = itemValue(data.payload, item, column.replace("after.", "before."));
      cell.append(formatBytes(Number(before)), " ", make("span", { class: "sub ink" }, formatBytes(Number(value))));
    } else cell.append(valueWords(column, value));
    if (typeof value === "number" && column.endsWith("_bytes")) cell.title = formatExactBytes(value);
    if (typeof value === "number" && /^(?:change|slope)\./.test(column))
      cell.classList.add("amount", value > 0 ? "up" : "down");
    line.append(cell);
  }
  return make("tbody", {}, line);
}

/**
 * The stack of an entry, innermost first, when its details are opened for the first time.
 *
 * @param {Element} details
 * @param {Item} item
 * @param {Data} data
 * @param {Element} actions
 */
function fillDetails(details, item, data, actions) {
  const row = item.rows[0];
  const { payload } = data;
  const frames = rowFrames(payload, data.tree.parent, row);
  const named = namedPosition(payload, frames, row);
  const list = make("ol", { class: "stack" });
  for (let at = frames.length - 1; at >= 0; at--) {
    const style = at === named ? "hit" : isOwn(data, frames[at]) ? "" : "lib";
    const name = frameName(data, frames[at]);
    list.append(
      make(
        "li",
        { class: style },
        make("span", { class: "i" }, String(frames.length - 1 - at)),
        " ",
        make("span", { class: "f", title: name }, shortenName(name, 400)),
        " ",
        make("span", { class: "w" }, framePlace(data, frames[at])),
      ),
    );
  }
  const body = make("div", {}, make("h3", {}, "Call path, innermost first"), list);
  const evidence = payload.rows.evidence && payload.rows.evidence[row];
  if (evidence) body.append(make("p", { class: "sub" }, evidence));
  body.append(actions);
  details.append(make("div", { class: "card one" }, body));
}
