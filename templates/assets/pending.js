"use strict";

// Stands in until flame.js and calltree.js bring these functions; then this file goes.

/** @type {(section: HTMLElement, data: Data, store: Store) => void} */
function mountFlame() {}

/** @type {(section: HTMLElement, data: Data, store: Store) => void} */
function mountCallTree() {}
