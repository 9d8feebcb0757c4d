"use strict";

/**
 * The data as docs/payload.md describes it, from the shorter form in which the page stores it ("As it is stored").
 *
 * @param {any} payload changed in place
 */
function unpack(payload) {
  const { tree, compare, frames } = payload;
  frames.key = frames.key.map((/** @type {number} */ step, /** @type {number} */ i) => (step ? frames.function[i] + step : -1));
  let next = 0;
  tree.frame = tree.frame.map((/** @type {number} */ code) => (code === 0 ? next++ : code > 0 ? code - 1 : code));
  const holds = tree.paths.map((/** @type {number} */ count) => count !== 0);
  /** @type {number[][]} */
  const kept = [];
  for (const column of tree.columns) {
    const base = kept[column.base];
    const own = base ? column.values.map((/** @type {number} */ more, /** @type {number} */ i) => more + base[i]) : column.values;
    let place = 0;
    column.values = holds.map((/** @type {boolean} */ has) => (has ? own[place++] : 0));
    kept.push(own);
  }
  tree.paths = tree.paths.map((/** @type {number} */ count) => Math.max(count, 0));
  let node = 0;
  tree.responsible = tree.responsible.map((/** @type {number} */ step) => (node += step));
  const both = tree.folded;
  const find = (/** @type {string} */ name) => tree.columns.find((/** @type {any} */ one) => one.name === name).values;
  const [before, after] = compare ? [find(compare.before), find(compare.after)] : [tree.paths, tree.paths];
  tree.folded = [];
  tree.frame.forEach((/** @type {number} */ frame, /** @type {number} */ i) => {
    if (frame !== -2) return;
    const least = both[tree.folded.length] || 0;
    const change = after[i] - before[i];
    tree.folded.push([i, tree.paths[i], least + Math.max(change, 0), least + Math.max(-change, 0)]);
  });
}
