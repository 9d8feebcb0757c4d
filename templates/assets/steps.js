"use strict";

/**
 * The number of the place that is nearest.
 *
 * @param {number[]} places
 * @param {number} at
 */
function nearest(places, at) {
  return places.reduce((best, place, index) => (Math.abs(place - at) < Math.abs(places[best] - at) ? index : best), 0);
}

/** When a snapshot was, in words. @param {number | null} time @param {string | null} unit */
function momentWords(time, unit) {
  if (time === null || time === undefined) return "";
  if (unit === "ms") return " at " + (time / 1000).toFixed(time < 100000 ? 2 : 1) + " s";
  if (unit === "B") return " after " + formatBytes(time) + " of allocations";
  if (unit === "i") return " after " + formatCount(time) + " instructions";
  return " at " + formatCount(time) + (unit ? " " + unit : "");
}

/**
 * Steps through the snapshots of the timeline; the graph and the tree follow the store.
 *
 * @param {Element} section
 * @param {any} payload
 * @param {Store} store
 * @returns {{[action: string]: (key: string) => void}} nothing where there is nothing to step through
 */
function mountSteps(section, payload, store) {
  const svg = /** @type {SVGSVGElement | null} */ (section.querySelector("svg[data-steps]"));
  const places = svg ? (svg.dataset.steps || "").split(/[ ,]+/).map(Number) : [];
  /** @type {any[]} */
  const snapshots = payload.snapshots;
  if (!svg || snapshots.length < 2 || places.length !== snapshots.length) return {};
  const known = new Map(payload.document.snapshots.map((/** @type {any} */ one) => [one.index, one]));
  const judged = snapshots.findIndex((one) => one.index === payload.document.judged);
  const at = () => (store.get().snapshot >= 0 ? store.get().snapshot : judged);
  const mark = document.createElementNS(svg.namespaceURI, "path");
  const words = make("span", { role: "status" });
  /** @param {number} to */
  const go = (to) => store.set({ snapshot: to === judged ? -1 : Math.min(Math.max(to, 0), snapshots.length - 1) });
  const show = () => {
    const { index, time, column } = snapshots[at()];
    const one = known.get(index);
    const held = one && one.totals.retained_bytes;
    mark.setAttribute("d", "M" + places[at()] + " " + svg.dataset.top + "V" + svg.dataset.bottom);
    words.textContent =
      "snapshot " +
      formatCount(at() + 1) +
      " of " +
      formatCount(snapshots.length) +
      (held === undefined ? "" : ", " + formatBytes(held)) +
      momentWords(time, one && one.time_unit) +
      (column === null ? ", total only: no call paths were recorded" : "") +
      (at() === judged ? ", the one that is judged" : "");
  };
  mark.setAttribute("class", "step");
  svg.append(mark);
  svg.classList.add("steps");
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    go(nearest(places, ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width));
  });
  const bar = make("div", { class: "more bar" });
  bar.append(
    makeButton("\u2039", () => go(at() - 1), {
      class: "btn icon",
      "aria-label": "Previous snapshot",
      title: "Previous snapshot (,)",
    }),
    makeButton("\u203a", () => go(at() + 1), {
      class: "btn icon",
      "aria-label": "Next snapshot",
      title: "Next snapshot (.)",
    }),
    words,
  );
  /** @type {Element} */ (svg.closest(".panel")).append(bar);
  store.on((_, changed) => {
    if (changed.has("snapshot")) show();
  });
  show();
  return { step: (key) => go(at() + (key === "," ? -1 : 1)) };
}
