"use strict";

/**
 * An entry of the list of paths: a row of the payload, or several where a tool split the records of one leak.
 *
 * @typedef {object} Item
 * @property {number} number as it is counted on the page, from 1
 * @property {number[]} rows
 *
 * @typedef {{id: string, kind: string | null}} Shown what a static row says of itself
 */

/**
 * @param {any} payload
 * @param {Shown[]} shown the rows that stand on the page already
 * @returns {Item[]} these first, then the others in the order of the payload
 */
function listItems(payload, shown) {
  const { id: ids, leak_kind: kinds } = payload.rows;
  /** @param {string} id @param {string | null | undefined} kind */
  const keyOf = (id, kind) => id + "/" + (kind || "");
  /** @type {Map<string, number>} */
  const rowOf = new Map(
    ids.map((/** @type {string} */ id, /** @type {number} */ row) => [keyOf(id, kinds && kinds[row]), row]),
  );
  /** @type {number[][]} */
  const groups = [];
  if (payload.kind === "analysis") {
    for (const finding of payload.document.findings) {
      const rows = finding.path_ids.map((/** @type {string} */ id) => rowOf.get(keyOf(id, finding.leak_kind)));
      if (rows.length && !rows.includes(undefined)) groups.push(rows);
    }
  }
  const grouped = new Set(groups.flat());
  for (const row of rowOf.values()) if (!grouped.has(row)) groups.push([row]);
  const byFirst = new Map(groups.map((rows) => [rows[0], rows]));
  const lists = shown.map(({ id, kind }) => {
    const row = rowOf.get(keyOf(id, kind));
    const rows = row === undefined ? undefined : byFirst.get(row);
    if (row !== undefined) byFirst.delete(row);
    return rows || [];
  });
  return [...lists, ...byFirst.values()].map((rows, index) => ({ number: index + 1, rows }));
}

/**
 * A figure or text of an entry: the sum over its rows; of a series, its last value.
 *
 * @param {any} payload
 * @param {Item} item
 * @param {string} column
 * @returns {number | string | null}
 */
function itemValue(payload, item, column) {
  const found = item.rows
    .map((row) => (payload.rows[column] || [])[row])
    .map((value) => (Array.isArray(value) ? value[value.length - 1] : value))
    .filter((value) => value !== null && value !== undefined);
  if (!found.length) return null;
  return typeof found[0] === "number" ? found.reduce((sum, value) => sum + value, 0) : found[0];
}

/**
 * Large numbers first, names from A, what is missing last.
 *
 * @param {number | string | null} one
 * @param {number | string | null} other
 */
function compareValues(one, other) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return other - one;
  return String(one) < String(other) ? -1 : String(one) > String(other) ? 1 : 0;
}

/**
 * The frames of a row, outermost first.
 *
 * @param {any} payload
 * @param {ArrayLike<number>} parent of each node
 * @param {number} row
 * @returns {number[]}
 */
function rowFrames(payload, parent, row) {
  const stack = payload.rows.stack && payload.rows.stack[row];
  if (stack) return stack;
  const found = [];
  for (let node = payload.rows.node[row]; node > 0; node = parent[node]) found.push(payload.tree.frame[node]);
  return found.reverse().filter((frame) => frame >= 0);
}

/**
 * The position of the frame that names a row: yours, past allocation wrappers; else the outermost of the allocating library.
 *
 * @param {any} payload
 * @param {number[]} frames of the row
 * @param {number} row
 */
function namedPosition(payload, frames, row) {
  for (const column of ["named_by", "responsible"]) {
    const position = (payload.rows[column] || [])[row];
    if (position !== null && position !== undefined) return position;
  }
  const modules = payload.frames.module;
  let site = (payload.rows.site || [])[row];
  if (site === null || site === undefined) return frames.length - 1;
  while (site > 0 && modules[frames[site - 1]] === modules[frames[site]]) site -= 1;
  return site;
}

/** File and line with the last folder, else the library. @param {Data} data @param {number} frame @returns {string} */
function framePlace(data, frame) {
  const file = frameText(data, frame, "file").split("/").slice(-2).join("/");
  const line = data.payload.frames.line[frame];
  return file ? file + (line ? ":" + line : "") : libraryOf(data, frame);
}
