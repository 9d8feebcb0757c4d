"use strict";

/** Random numbers that are the same each time (Park and Miller 1988). */
function randoms(seed) {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** A column of frames as it is stored: 0 where a frame stands for the first time, else one more than its number. */
function withoutFirst(frames) {
  let known = 0;
  return frames.map((frame) => (frame < 0 ? frame : frame === known ? known++ && 0 : frame + 1));
}

/** A payload of a comparison from paths: [[frame names outermost first], before, after, leak kind]. */
function payloadOf(paths, { kind = "diff" } = {}) {
  const strings = [""];
  const text = (one) => {
    if (!strings.includes(one)) strings.push(one);
    return strings.indexOf(one);
  };
  const names = [];
  const root = { children: new Map(), before: 0, after: 0 };
  for (const [stack, before, after] of paths) {
    let node = root;
    for (const name of stack) {
      if (!node.children.has(name)) {
        node.children.set(name, { name, children: new Map(), before: 0, after: 0 });
      }
      node = node.children.get(name);
    }
    node.before += before;
    node.after += after;
  }
  const whole = (node) => node.after + [...node.children.values()].reduce((sum, child) => sum + whole(child), 0);
  const nodes = [];
  const walk = (node, depth) => {
    node.index = nodes.push({ node, depth }) - 1;
    const children = [...node.children.values()].map((child) => ({ child, weight: whole(child) }));
    children.sort((a, b) => b.weight - a.weight || (a.child.name < b.child.name ? -1 : 1));
    for (const { child } of children) walk(child, depth + 1);
  };
  walk(root, 0);
  for (const { node } of nodes.slice(1)) if (!names.includes(node.name)) names.push(node.name);
  const holders = nodes.map(({ node }) => node).filter((node) => node.before || node.after);
  const at = (stack) => stack.reduce((node, name) => node.children.get(name), root).index;
  return {
    schema: "leakreport-payload/1",
    kind,
    document: { metric: "retained_bytes" },
    strings: (names.forEach(text), text("/usr/lib/libfoo.so"), text("src/main.c"), strings),
    frames: {
      function: names.map(text),
      module: names.map((name) => text(name.startsWith("lib") ? "/usr/lib/libfoo.so" : "")),
      file: names.map((name) => text(name.startsWith("lib") ? "" : "src/main.c")),
      line: names.map(() => 0),
      kind: names.map(() => 0),
      flags: names.map((name) => (name.startsWith("lib") ? 0 : 1)),
      key: names.map(() => 0),
    },
    tree: {
      depth: nodes.map(({ depth }, i) => (i ? depth - nodes[i - 1].depth : 0)),
      frame: withoutFirst(nodes.map(({ node }) => names.indexOf(node.name))),
      paths: nodes.map(({ node }) => (node.before || node.after ? 1 : 0)),
      columns: ["before", "after"].map((name) => ({
        name: name + ".retained_bytes",
        values: holders.map((node) => node[name]),
      })),
      responsible: [],
      folded: [],
      repeats: [],
    },
    modes: [
      { key: "after", title: "After", column: "after.retained_bytes" },
      { key: "before", title: "Before", column: "before.retained_bytes" },
      { key: "growth", title: "Growth only", before: "before.retained_bytes", after: "after.retained_bytes" },
    ],
    mode: "after",
    compare: { before: "before.retained_bytes", after: "after.retained_bytes" },
    snapshots: [],
    rows: { node: paths.map(([stack]) => at(stack)), leak_kind: paths.map((path) => path[3] || null) },
    markdown: "",
  };
}

/** Paths of a program that nobody wrote. */
function randomPaths(seed, count) {
  const random = randoms(seed);
  const paths = new Map();
  for (let i = 0; i < count; i++) {
    const stack = Array.from({ length: 1 + random(7) }, () => ["lib_a", "lib_b", "f", "g", "h"][random(5)]);
    paths.set(stack.join(), [stack, random(1000), random(1000), ["definite", "reachable"][random(2)]]);
  }
  return [...paths.values()];
}

/** The path of names that leads to each node, outermost first. */
function stacksOf(data, tree, name) {
  const stacks = [];
  for (let node = 0; node < tree.parent.length; node++) {
    stacks.push(node ? [...stacks[tree.parent[node]], name(tree.frame[node])] : []);
  }
  return stacks;
}

module.exports = { payloadOf, randomPaths, randoms, stacksOf };
