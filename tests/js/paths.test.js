"use strict";

const assert = require("node:assert/strict");
const test = require("node:test");
const { load } = require("./load.js");

const { code, compareValues, createData, createPaths, csvCell, momentWords, nearest, oneName, placeOf, valueWords } =
  load();

const FRAMES = ["main", "load", "xmalloc", "malloc"];

/** Paths of one program: `rows` as columns; each ends at the node of the same number in main > load > xmalloc > malloc. */
function dataOf(rows, more = {}) {
  return createData({
    kind: "analysis",
    document: { findings: [] },
    strings: ["", ...FRAMES, "/opt/app", "/lib/libc.so.6", "/home/build/src/load.c"],
    frames: {
      function: [1, 2, 3, 4],
      module: [5, 5, 5, 6],
      file: [-1, 7, -1, -1],
      line: [0, 12, 0, 0],
      kind: [0, 0, 0, 0],
      flags: [1, 1, 1, 0],
      key: [0, 0, 0, 0],
    },
    tree: {
      depth: [0, 1, 1, 1, 1],
      frame: [-1, 0, 0, 0, 0],
      paths: [0, 0, 0, 0, 0],
      columns: [],
      folded: [],
      repeats: [],
      responsible: [],
    },
    rows,
    ...more,
  });
}

const pathsOf = (rows, more) => createPaths(dataOf(rows, more));

const ROWS = {
  id: ["p1-a", "p1-b", "p1-c"],
  leak_kind: ["definite", "definite", "possible"],
  node: [4, 4, 3],
  stack: [null, [0, 3], null],
  responsible: [2, null, null],
  named_by: [1, null, null],
  site: [3, 1, 2],
  module: ["/opt/app", null, "=cmd"],
  "values.retained_bytes": [100, 7, 20],
  "values.retained_blocks": [1, 2, null],
};

test("frames come from the tree, or from the row where the tree does not tell them", () => {
  const paths = pathsOf(ROWS);
  assert.deepEqual([0, 1, 2].map(paths.frames), [
    [0, 1, 2, 3],
    [0, 3],
    [0, 1, 2],
  ]);
});

test("a row is named by its own frame, else by the outermost of the allocating library", () => {
  const paths = pathsOf(ROWS);
  assert.deepEqual([0, 1, 2].map(paths.name), ["load", "malloc", "main"]);
  assert.equal(pathsOf({ id: ["x"], node: [0] }).name(0), "[no stack]");
  assert.equal(placeOf(dataOf(ROWS), 1), "src/load.c:12");
  assert.equal(placeOf(dataOf(ROWS), 3), "libc.so.6");
  assert.equal(placeOf(dataOf(ROWS), 1, 1), "load.c:12");
});

test("static rows come first, in their order; the others follow in that of the data", () => {
  assert.deepEqual(pathsOf(ROWS).items(["p1-c possible", "p1-gone "]), [
    { number: 1, rows: [2] },
    { number: 2, rows: [] },
    { number: 3, rows: [0] },
    { number: 4, rows: [1] },
  ]);
});

test("records of one leak are one entry, and their figures are summed", () => {
  const findings = [
    { path_ids: ["p1-a", "p1-b"], leak_kind: "definite" },
    { path_ids: [], leak_kind: null },
    { path_ids: ["p1-a", "p1-missing"], leak_kind: "definite" },
  ];
  const paths = pathsOf(ROWS, { document: { findings } });
  const items = paths.items([]);
  assert.deepEqual(
    items.map((item) => item.rows),
    [[0, 1], [2]],
  );
  assert.equal(paths.value(items[0], "values.retained_bytes"), 107);
  assert.equal(paths.value(items[1], "values.retained_blocks"), null);
  assert.equal(paths.value(items[0], "leak_kind"), "definite");
});

test("of a series the last value counts", () => {
  const paths = pathsOf({ id: ["a"], node: [1], "series.retained_bytes": [[1, null, 3]] });
  assert.equal(paths.value({ number: 1, rows: [0] }, "series.retained_bytes"), 3);
});

test("sorted: large numbers first, names from A, what is missing last", () => {
  assert.deepEqual([3, null, -1, 10].sort(compareValues), [10, 3, -1, null]);
  assert.deepEqual(["b", "a", null].sort(compareValues), ["a", "b", null]);
});

test("a spreadsheet takes no text of the input for a formula", () => {
  for (const sign of "=+-@'\uff1d") assert.equal(csvCell(sign + "x"), "'" + sign + "x");
  assert.equal(csvCell("a=b"), "a=b");
  assert.equal(csvCell(-5), "-5");
  assert.equal(csvCell(null), "");
  assert.equal(csvCell('=say "hi", all'), '"\'=say ""hi"", all"');
});

test("names stay on one line of one cell", () => {
  assert.equal(oneName("a;b\nc\\d\u2028\0"), "a\\x3bb\\x0ac\\x5cd\\u2028\\x00");
  assert.equal(oneName("\ud83d\ude00\ud800"), "\ud83d\ude00\\ud800");
});

test("the table has a line for each path, with the columns of the CSV that Python writes", () => {
  const paths = pathsOf(ROWS);
  assert.equal(
    paths.csv(paths.items([])),
    "id,kind,module,function,file,line,owner,state,retained_bytes,retained_blocks,stack\n" +
      "p1-a,definite,/opt/app,load,/home/build/src/load.c,12,,,100,1,main;load;xmalloc;malloc\n" +
      "p1-b,definite,,malloc,,,,,7,2,main;malloc\n" +
      "p1-c,possible,'=cmd,main,,,,,20,,main;load;xmalloc\n",
  );
});

test("saved rows keep what the data says of them", () => {
  const paths = pathsOf(ROWS);
  const [first] = paths.objects(paths.items([]));
  assert.equal(first["values.retained_bytes"], 100);
  assert.deepEqual(first.frames[1], { function: "load", module: "/opt/app", file: "/home/build/src/load.c", line: 12 });
  assert.ok(!("node" in first));
});

test("nothing of a name leaves its code span or block", () => {
  assert.equal(code("a`b"), "``a`b``");
  assert.equal(code("`x"), "`` `x ``");
  assert.equal(code("x\n````", "text\n"), "`````text\nx\n````\n`````");
  assert.equal(code("x", "text\n"), "```text\nx\n```");
});

test("a path as Markdown has its figures and its stack, innermost first", () => {
  const paths = pathsOf(ROWS);
  const text = paths.markdown(paths.items([])[0]);
  assert.match(text, /^1\. `load`\n\n- leak kind: \u25cf definitely lost\n- values retained bytes: 100 B \(100 B\)\n/);
  assert.match(
    text,
    /```text\n {2}malloc {2}libc\.so\.6\n {2}xmalloc {2}app\n\u25b6 load {2}src\/load\.c:12\n {2}main {2}app\n```/,
  );
});

test("values as the static rows write them", () => {
  assert.equal(valueWords("change.retained_bytes", -2048), "\u25bc \u22122.00 KiB");
  assert.equal(valueWords("change.retained_bytes", 0), "no change");
  assert.equal(valueWords("values.retained_blocks", 1234), "1,234");
  assert.equal(valueWords("leak_kind", "reachable"), "\u25cb still reachable");
  assert.equal(valueWords("values.retained_bytes", null), "");
});

test("the snapshot nearest to a click, and when it was", () => {
  assert.deepEqual(
    [-5, 9, 10.1, 99].map((at) => nearest([0, 20, 40], at)),
    [0, 0, 1, 2],
  );
  assert.equal(momentWords(3210, "ms"), " at 3.21 s");
  assert.equal(momentWords(214, "ms"), " at 214 ms");
  assert.equal(momentWords(1234567, "instructions"), " after 1,234,567 instructions");
  assert.equal(momentWords(2097152, "bytes"), " after 2.00 MiB allocated");
  assert.equal(momentWords(null, "ms"), "");
});
