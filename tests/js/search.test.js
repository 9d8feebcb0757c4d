"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");
const { payloadOf, randomPaths } = require("./made.js");

const page = load();
const PATHS = [
  [["main", "lib_Read", "lib_alloc"], 10, 30, "definite"],
  [["main", "read", "lib_Read", "lib_alloc"], 0, 5, "reachable"],
  [["main", "write"], 7, 2, "reachable"],
];
const data = page.createData(payloadOf(PATHS));
const search = (text, key = "after.retained_bytes") => page.searchTree(data, data.tree, key, text, () => 0);
const namesOf = (found) => found.nodes.map((node) => page.nodeName(data, data.tree, node));

test("a search without capitals finds both, one with a capital that case only", () => {
  assert.deepEqual(namesOf(search("read")).sort(), ["lib_Read", "lib_Read", "read"]);
  assert.deepEqual(namesOf(search("Read")), ["lib_Read", "lib_Read"]);
  assert.equal(search("  "), null);
});

test("bytes are counted once per path", () => {
  assert.equal(search("read").bytes, 35);
  assert.equal(search("main").bytes, 37);
  assert.equal(search("lib_").bytes, 35);
});

test("library, file and kind narrow the search", () => {
  assert.equal(search("lib:foo").bytes, 35);
  assert.deepEqual(namesOf(search("lib:foo read")), ["lib_Read", "lib_Read"]);
  assert.deepEqual(namesOf(search("file:main.c write")), ["write"]);
  assert.equal(search("file:main.c lib:foo").nodes.length, 0);
  assert.equal(search("kind:definite").bytes, 30);
  assert.equal(search("kind:reach").bytes, 7);
  assert.deepEqual(namesOf(search("kind:reach read")), ["read", "lib_Read"]);
  assert.equal(search("kind:indirect").nodes.length, 0);
});

test("regular expressions match names, and what could run for ever is refused", () => {
  assert.deepEqual(namesOf(search("/^(main|write)$/")), ["main", "write"]);
  assert.deepEqual(namesOf(search("/^READ/")), []);
  assert.equal(search("/^read/").error, "");
  for (const pattern of ["/(a+)+$/", "/a*a*a*a*a*b/", "/(/"]) {
    assert.match(search(pattern).error, /^Not usable as a regular expression: /);
    assert.equal(search(pattern).nodes.length, 0);
  }
});

test("names are tried for 50 ms only", () => {
  const many = page.createData(payloadOf(Array.from({ length: 400 }, (_, i) => [["name" + i], 0, 1])));
  let time = 0;
  const found = page.searchTree(many, many.tree, "after.retained_bytes", "name", () => (time += 20));
  assert.match(found.error, /not all names/);
  assert.ok(found.nodes.length > 0 && found.nodes.length < 400);
});

test("both directions count the same bytes", () => {
  for (let seed = 1; seed < 12; seed++) {
    const paths = randomPaths(seed, 60);
    const one = page.createData(payloadOf(paths));
    const callers = page.createCallers(one, ["after.retained_bytes", "before.retained_bytes"]);
    for (const [text, isMeant] of [
      ["f", ([stack]) => stack.includes("f")],
      ["lib_", ([stack]) => stack.some((name) => name.startsWith("lib_"))],
      ["kind:definite g", ([stack, , , kind]) => kind === "definite" && stack.includes("g")],
    ]) {
      const bytes = paths.filter(isMeant).reduce((sum, path) => sum + path[2], 0);
      assert.equal(page.searchTree(one, one.tree, "after.retained_bytes", text, () => 0).bytes, bytes);
      assert.equal(page.searchTree(one, callers, "after.retained_bytes", text, () => 0).bytes, bytes);
    }
  }
});
