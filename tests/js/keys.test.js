"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

const { keyAction, keyLines } = load();
const press = (key, modifiers) => ({ key, ctrlKey: false, altKey: false, metaKey: false, ...modifiers });

test("keys of the page", () => {
  const asked = "/ j k o 0 w i c t ? 1 5 , . Escape".split(" ").map((key) => keyAction(press(key), true, true));
  assert.deepEqual(
    asked,
    "search nextPath previousPath openPath resetZoom nextMode turn copy theme help section section step step escape".split(
      " ",
    ),
  );
});

test("other keys, and capitals, are nobody's", () => {
  for (const key of ["x", "6", "J", "T", "Enter", "Tab", "F1", "ArrowLeft", " ", "/j"]) {
    assert.equal(keyAction(press(key), true, true), "", key);
  }
});

test("a modifier makes a key the browser's", () => {
  for (const modifier of ["ctrlKey", "altKey", "metaKey"]) {
    assert.equal(keyAction(press("c", { [modifier]: true }), true, true), "");
    assert.equal(keyAction(press("1", { [modifier]: true }), true, true), "");
  }
});

test("in a field or a dialog no key acts", () => {
  for (const key of ["c", "/", "Escape"]) assert.equal(keyAction(press(key), false, true), "");
});

test("turned off, single keys do nothing and Escape still does", () => {
  for (const key of ["c", "/", "?", "1", "."]) assert.equal(keyAction(press(key), true, false), "");
  assert.equal(keyAction(press("Escape"), true, false), "escape");
});

test("no key has two meanings for the page", () => {
  const taken = keyLines().flatMap((line) => (line.action ? line.keys : []));
  assert.equal(new Set(taken).size, taken.length);
  assert.ok(keyLines().every((line) => line.words && line.keys.every(Boolean)));
});
