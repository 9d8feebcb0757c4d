"use strict";

/**
 * What a link says of the page. Sort and theme are not in it.
 *
 * @typedef {object} Link
 * @property {number} [row] number of a row of the list of paths
 * @property {string} [frame] id of a path, or of a node by the chain of its frames
 * @property {string} [mode]
 * @property {string} [direction]
 * @property {string} [query]
 * @property {string} [snapshot] `index` of a snapshot
 *
 * The part of the call tree that links need: nodes in pre-order, `end` the node behind the last one below.
 *
 * @typedef {{parent: ArrayLike<number>, end: ArrayLike<number>}} Shape
 */

/** @returns {{[name: string]: "frame" | "mode" | "direction" | "query" | "snapshot"}} */
function linkNames() {
  return { f: "frame", w: "mode", d: "direction", q: "query", s: "snapshot" };
}

/** @param {string} hash @returns {Link} */
function parseLink(hash) {
  const row = /^#path-(\d{1,7})$/.exec(hash);
  if (row) return { row: Number(row[1]) };
  /** @type {Link} */
  const link = {};
  for (const part of hash.slice(1).split("&")) {
    const at = part.indexOf("=");
    const name = linkNames()[part.slice(0, at)];
    if (at !== 1 || !name) continue;
    try {
      link[name] = decodeURIComponent(part.slice(at + 1));
    } catch {
      // Not written by this page: no part of the link.
    }
  }
  return link;
}

/** @param {Link} link @returns {string} empty where there is nothing to say */
function formatLink(link) {
  const parts = [];
  for (const [letter, name] of Object.entries(linkNames())) {
    const text = link[name];
    if (text) parts.push(letter + "=" + encodeURIComponent(text.replace(/\p{Cs}/gu, "\ufffd")).replace(/%2C/g, ","));
  }
  return parts.length ? "#" + parts.join("&") : "";
}

/** 24 bits of FNV-1a over the UTF-16 units, as 4 digits of base64url. @param {string} text */
function shortHash(text) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = (hash >>> 24) ^ (hash & 0xffffff);
  return [18, 12, 6, 0].map((shift) => digits[(hash >> shift) & 63]).join("");
}

/** What a frame is hashed by: it holds across lines, directories and builds. @param {Data} data @param {number} frame @returns {string} */
function frameKey(data, frame) {
  if (frame < 0) return String(frame);
  const offset = data.payload.frames.offset && data.payload.frames.offset[frame];
  return (
    frameText(data, frame, "key") || frameText(data, frame, "function") || libraryOf(data, frame) + "+" + (offset || "")
  );
}

/**
 * The node by its chain of frames from the root; siblings of one name are told apart by their order.
 *
 * @param {Shape} tree
 * @param {(node: number) => string} token of a node's frame
 * @param {number} node
 */
function chainOf(tree, token, node) {
  const parts = [];
  for (let at = node; at > 0; at = tree.parent[at]) {
    const own = token(at);
    let earlier = 0;
    for (let child = tree.parent[at] + 1; child < at; child = tree.end[child]) if (token(child) === own) earlier += 1;
    parts.push(earlier ? own + "~" + earlier : own);
  }
  return "~" + parts.reverse().join(".");
}

/**
 * @param {Shape} tree
 * @param {(node: number) => string} token
 * @param {string} chain
 * @returns {{node: number, missing: number}} the nearest node that is there, and how many frames below it are not
 */
function nodeOfChain(tree, token, chain) {
  const parts = chain.slice(1).split(".").filter(Boolean);
  let node = 0;
  for (const [depth, part] of parts.entries()) {
    const [own, order] = part.split("~");
    let left = Number(order) || 0;
    let found = -1;
    for (let child = node + 1; child < tree.end[node] && left >= 0; child = tree.end[child]) {
      if (token(child) !== own) continue;
      found = child;
      left -= 1;
    }
    if (found < 0) return { node, missing: parts.length - depth };
    node = found;
  }
  return { node, missing: 0 };
}
