"use strict";

/**
 * An entry as Markdown: what it is, its figures, its stack.
 *
 * @param {Data} data
 * @param {Item} item
 */
function pathMarkdown(data, item) {
  const { payload } = data;
  const row = item.rows[0];
  const frames = rowFrames(payload, data.tree.parent, row);
  const named = namedPosition(payload, frames, row);
  const lines = frames.map(
    (frame, at) => (at === named ? "\u25b6 " : "  ") + frameName(data, frame) + "  " + framePlace(data, frame),
  );
  const name = frames.length ? frameName(data, frames[named]) : "[no stack]";
  const figures = figureWords(payload, item)
    .map((words) => "\n- " + words)
    .join("");
  return (
    "**" +
    item.number +
    ".** " +
    codeSpan(name) +
    "\n" +
    figures +
    "\n- path " +
    codeSpan(payload.rows.id[row]) +
    "\n\nInnermost frame first; \u25b6 marks the responsible one:\n\n" +
    codeBlock(lines.reverse().join("\n")) +
    "\n"
  );
}

/** @param {any} payload @param {Item} item @returns {string[]} with exact bytes */
function figureWords(payload, item) {
  const kind = itemValue(payload, item, "leak_kind");
  const found = kind ? [kindWords(String(kind))] : [];
  for (const column of figureColumns(payload)) {
    const value = itemValue(payload, item, column);
    if (typeof value !== "number" || !column.includes("retained_")) continue;
    const words = valueWords(column, value) + (column.endsWith("_bytes") ? " (" + formatExactBytes(value) + ")" : "");
    found.push(column.replace(/\.|_/g, " ") + ": " + words);
  }
  return found;
}

/** The columns of the payload's rows that hold one number each. @param {any} payload @returns {string[]} */
function figureColumns(payload) {
  const places = ["node", "responsible", "site", "named_by"];
  return Object.keys(payload.rows).filter(
    (column) =>
      !places.includes(column) && payload.rows[column].some((/** @type {any} */ value) => typeof value === "number"),
  );
}

/**
 * The entries as a table, with the columns of render/csv.py.
 *
 * @param {Data} data
 * @param {Item[]} items
 * @returns {(string | number | null)[][]}
 */
function pathTable(data, items) {
  const { payload } = data;
  const columns = figureColumns(payload);
  const head = ["id", "kind", "module", "function", "file", "line"];
  const names = columns.map((column) => column.replace(/^values\./, ""));
  /** @type {(string | number | null)[][]} */
  const lines = [[...head, ...names, "stack"]];
  for (const row of items.flatMap((item) => item.rows)) {
    const frames = rowFrames(payload, data.tree.parent, row);
    const own = frames[(payload.rows.responsible || [])[row]];
    const place = own === undefined ? ["", ""] : [frameName(data, own), frameText(data, own, "file")];
    const texts = [(payload.rows.module || [])[row] || "", ...place].map(oneName);
    const stack = frames.map((frame) => oneName(frameName(data, frame))).join(";");
    const line = (own !== undefined && payload.frames.line[own]) || null;
    lines.push([
      payload.rows.id[row],
      (payload.rows.leak_kind || [])[row] || "",
      ...texts,
      line,
      ...columns.map((column) => payload.rows[column][row]),
      stack,
    ]);
  }
  return lines;
}

/**
 * The rows of the payload one by one, with their frames, outermost first.
 *
 * @param {Data} data
 * @param {Item[]} items
 * @returns {any[]}
 */
function pathObjects(data, items) {
  const { payload } = data;
  return items
    .flatMap((item) => item.rows)
    .map((row) => {
      /** @type {{[name: string]: any}} */
      const found = {};
      for (const [column, values] of Object.entries(payload.rows)) {
        const [name, inner] = column.split(".");
        if (column === "node" || column === "stack" || (inner && values[row] === null)) continue;
        if (inner) found[name] = Object.assign(found[name] || {}, { [inner]: values[row] });
        else found[name] = values[row];
      }
      found.frames = rowFrames(payload, data.tree.parent, row).map((frame) => frameFacts(data, frame));
      return found;
    });
}

/** A frame as json.md has it. @param {Data} data @param {number} frame */
function frameFacts(data, frame) {
  const text = (/** @type {"function" | "module" | "file"} */ column) => frameText(data, frame, column) || null;
  return {
    function: text("function"),
    module: text("module"),
    file: text("file"),
    line: data.payload.frames.line[frame] || null,
  };
}
