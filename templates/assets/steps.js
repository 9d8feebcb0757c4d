/** The number of the place that is nearest. @param {number[]} places @param {number} at @returns {number} */
function nearest(places, at) {
  return places.reduce((best, place, index) => (Math.abs(place - at) < Math.abs(places[best] - at) ? index : best), 0);
}

/** When a snapshot was. @param {number | null} time @param {string | null} unit @returns {string} */
function momentWords(time, unit) {
  if (time === null) return "";
  if (unit === "ms" && time >= 1000) return ` at ${fixed(time / 1000, time < 100000 ? 2 : 1)} s`;
  if (unit === "bytes") return ` after ${formatBytes(time)} allocated`;
  return unit === "instructions" ? ` after ${formatCount(time)} ${unit}` : ` at ${time} ${unit || ""}`;
}

/**
 * Steps through the snapshots of the timeline; the graph and the tree follow the store.
 *
 * @param {Element} section
 * @param {any} payload
 * @param {Store} store
 * @returns {{step?: (key: string) => void}} what a key does; nothing where there is nothing to step through
 */
function mountSteps(section, payload, store) {
  const { snapshots, document: report } = payload;
  const svg = /** @type {SVGSVGElement | null} */ (section.querySelector("svg[data-steps]"));
  const places = (svg?.dataset.steps || "").split(/[ ,]+/).map(Number);
  if (!svg || places.length < 2 || places.length !== snapshots.length) return {};
  const { top, bottom } = svg.dataset;
  const judged = snapshots.findIndex((/** @type {any} */ one) => one.index === report.judged);
  const mark = document.createElementNS(svg.namespaceURI, "path");
  const words = make("span", { role: "status" });
  /** @returns {number} */
  const at = () => (store.get().snapshot < 0 ? judged : store.get().snapshot);

  /** @param {number} to */
  function go(to) {
    const inside = Math.min(Math.max(to, 0), places.length - 1);
    store.set({ snapshot: inside === judged ? -1 : inside });
  }

  function show() {
    const { index, time, column } = snapshots[at()];
    const known = report.snapshots[index];
    const held = known.totals.retained_bytes;
    mark.setAttribute("d", `M${places[at()]} ${top}V${bottom}`);
    words.textContent =
      `snapshot ${formatCount(at() + 1)} of ${formatCount(places.length)}` +
      (held === undefined ? "" : `, ${formatBytes(held)}`) +
      momentWords(time, known.time_unit) +
      (column ? "" : ", no call paths recorded") +
      (at() === judged ? ", the judged one" : "");
  }

  mark.setAttribute("class", "step");
  svg.append(mark);
  svg.classList.add("steps");
  listen(svg, "click", (event) => {
    const scale = svg.getScreenCTM();
    if (scale) go(nearest(places, (event.clientX - scale.e) / scale.a));
  });
  const step = (/** @type {string} */ key) => go(at() + (key === "," ? -1 : 1));
  const buttons = [makeIcon("\u2039", "Previous snapshot", ",", step), makeIcon("\u203a", "Next snapshot", ".", step)];
  (svg.closest(".pad") || svg).after(make("div", "more acts", ...buttons, words));
  store.on((_, changed) => changed.has("snapshot") && show());
  show();
  return { step };
}
