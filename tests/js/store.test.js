"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

const { createStore } = load();
const START = { mode: "after", direction: "callees", zoom: 0, focus: -1, query: "", snapshot: -1 };

test("listeners hear what changed, and the new state", () => {
  const store = createStore(START);
  const heard = [];
  store.on((state, changed) => heard.push([state.zoom, [...changed]]));
  store.set({ zoom: 4, mode: "after" });
  assert.deepEqual(heard, [[4, ["zoom"]]]);
  assert.equal(store.get().zoom, 4);
});

test("what changes nothing is not told", () => {
  const store = createStore(START);
  store.on(() => assert.fail("told"));
  store.set({ query: "" });
});
