"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

const { createChains, createData, formatLink, parseLink, shortHash } = load();

test("a link is read as it was written, whatever was searched for", () => {
  for (const q of ["operator+", "a&b=c", "#path-3", "100%", "a b\tc", "\u00e9\u{1f600}", "/^std::/", "~x.y~1"]) {
    const link = { f: "~AbC-.x_yz~2", w: "growth", d: "callers", q, s: "12" };
    assert.deepEqual(parseLink(formatLink(link)), link);
    // Trackers take a link to end at a blank or a bracket.
    assert.match(formatLink(link), /^#[\w&=%.~!*'()-]+$/);
  }
});

test("what says nothing is left out", () => {
  assert.equal(formatLink({ f: "", w: "", d: "", q: "", s: "" }), "");
  assert.equal(formatLink({ f: "", w: "growth", d: "", q: "", s: "" }), "#w=growth");
});

test("a link to a row is a number of its own", () => {
  assert.deepEqual(parseLink("#path-12"), { row: 12 });
});

test("addresses that are not links of the page's state", () => {
  for (const hash of ["", "#", "#paths", "#path-", "#path-1x", "#x=1&y=2", "#ff=1", "#constructor=1"]) {
    assert.equal(parseLink(hash), null, hash);
  }
});

test("broken escapes are skipped, a lone surrogate is written as its replacement", () => {
  assert.deepEqual(parseLink("#q=%E0%A4%A&w=growth"), { w: "growth" });
  assert.equal(formatLink({ q: "x\ud800y" }), "#q=x%EF%BF%BDy");
});

test("the hash of a frame is FNV-1a, folded to 24 bits as its authors say", () => {
  // Source: draft-eastlake-fnv, 32-bit FNV-1a test vectors: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968.
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (const [text, whole] of [
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ]) {
    const number = Array.from(shortHash(text)).reduce((sum, digit) => sum * 64 + digits.indexOf(digit), 0);
    assert.equal(number, (whole >>> 24) ^ (whole & 0xffffff));
  }
});

/** Data of a tree given as lines, indented by depth. */
function dataOf(...lines) {
  const strings = [""];
  const frames = { function: [], module: [], file: [], line: [], kind: [], flags: [], key: [] };
  const frame = lines.map((line) => {
    const name = line.trim();
    if (!strings.includes(name)) strings.push(name);
    frames.function.push(strings.indexOf(name));
    for (const column of ["module", "file"]) frames[column].push(-1);
    frames.key.push(0);
    for (const column of ["line", "kind", "flags"]) frames[column].push(0);
    return frames.function.length - 1;
  });
  const depths = [0, ...lines.map((line) => line.length - line.trimStart().length + 1)];
  const depth = depths.map((own, i) => own - (depths[i - 1] || 0));
  const held = { paths: depth.map(() => 0), columns: [] };
  const tree = { depth, frame: [-1, ...frame.map(() => 0)], ...held, folded: [], repeats: [], responsible: [] };
  return createData({ strings, frames, tree });
}

test("every node is found by the chain of its frames, siblings of one name too", () => {
  const lines = ["main", " a", "  b", "  b", "   c", "  b", " a", "  b", "other", " a"];
  const chains = createChains(dataOf(...lines));
  const names = new Set();
  for (let node = 1; node <= lines.length; node++) {
    assert.deepEqual(chains.find(chains.of(node)), { node, missing: 0 });
    names.add(chains.of(node));
  }
  assert.equal(names.size, lines.length);
});

test("what is gone leads to the nearest caller that is there", () => {
  const before = createChains(dataOf("main", " parse", "  grow", "   malloc", " load"));
  const after = createChains(dataOf("main", " load", " parse"));
  assert.deepEqual(after.find(before.of(4)), { node: 3, missing: 2 });
  assert.deepEqual(after.find(before.of(5)), { node: 2, missing: 0 });
  assert.deepEqual(after.find("~????.x"), { node: 0, missing: 2 });
});
