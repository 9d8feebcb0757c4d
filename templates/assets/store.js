/**
 * What the reader of the page has chosen. Every part of the page listens to it and changes it; none talks to another.
 *
 * @typedef {object} State
 * @property {string} mode key of one of the payload's modes: what widths show
 * @property {"callees"|"callers"} direction
 * @property {number} zoom node of the call tree that fills the graph; 0 for all
 * @property {number} focus node that the status line and the ring are about; -1 for none
 * @property {string} query text of the search
 * @property {number} snapshot index into the payload's snapshots; -1 for the one that is judged
 *
 * @typedef {object} Store
 * @property {() => State} get
 * @property {(patch: Partial<State>) => void} set
 * @property {(listener: (state: State, changed: Set<string>) => void) => void} on
 */

/**
 * @param {State} initial
 * @returns {Store}
 */
function createStore(initial) {
  let state = { ...initial };
  /** @type {((state: State, changed: Set<string>) => void)[]} */
  const listeners = [];
  return {
    get: () => state,
    set(patch) {
      const next = { ...state, ...patch };
      const changed = new Set(
        Object.keys(patch).filter(
          (key) => next[/** @type {keyof State} */ (key)] !== state[/** @type {keyof State} */ (key)],
        ),
      );
      if (changed.size === 0) return;
      state = next;
      for (const listener of listeners) listener(state, changed);
    },
    on(listener) {
      listeners.push(listener);
    },
  };
}
