// Types of the script of the report, for tsc alone: nothing of this file is in a page.

/** The object in the page: docs/payload.md. */
type Payload = any;

/** A tree in pre-order, root first: the call tree, or the callers merged from it. One entry per node. */
interface Tree {
  /** -1 for the root. */
  parent: Int32Array;
  /** The node behind the last one below it. */
  end: Int32Array;
  /** 0 for the root. */
  depth: Uint16Array;
  /** Index into frames; -1 root, -2 small paths, -3 the middle of a deep stack. */
  frame: Int32Array;
  /** A node of the call tree that it stands for; null in the call tree itself. */
  origin: Int32Array | null;
  /** Per node of the call tree, the node here that its own bytes count for; null in the call tree itself. */
  spot: Int32Array | null;
  /** Of a node and all below it, by key, as far as asked for. */
  sums: Map<string, Float64Array>;
  /** By the last search. */
  found: Found | null;
}

/** What the page draws from. */
interface Data {
  /** The tree as it is stored. */
  stored: any;
  // Of the payload, by their names there.
  mode: string;
  kind: string;
  document: any;
  strings: string[];
  frames: any;
  modes: any[];
  compare: any;
  snapshots: any[];
  rows: any;
  tree: Tree;
  /** Own values per node, by key, as far as asked for. */
  own: Map<string, Float64Array>;
  /** Of frames, as far as asked for. */
  names: string[];
  /** Nodes in which paths end. */
  holders: Int32Array;
  /** Folded node: what its paths both grew and shrank by, beyond their difference. */
  both: Map<number, number>;
  /** Node: frames in a row, or frames left out. */
  repeats: Map<number, number>;
  responsible: Set<number>;
  /** Names of the columns whose sum is lost memory. */
  lost: string[];
}

type OfNode<T> = (data: Data, tree: Tree, node: number) => T;
type OfFrame<T> = (data: Data, frame: number) => T;

/** A number of bytes or of things, as people read it. */
type Format = (amount: number) => string;

/** What a node says of itself; `sign` is that of its change. */
interface Facts {
  name: string;
  amounts: string;
  change: string;
  share: string;
  sign: number;
}

/** In pixels of the graph; its row is the depth of the node. */
interface Box {
  node: number;
  x: number;
  width: number;
}

interface Query {
  lib: string;
  file: string;
  kind: string;
  test: (name: string) => boolean;
  /** For the reader; "" where there is none. */
  error: string;
}

interface Found {
  /** Key and text that this answers. */
  asked: string;
  /** The leak kind that paths must have; "" for any. */
  kind: string;
  /** 1 for each frame that matches. */
  frames: Uint8Array;
  /** 1 for each node that matches. */
  marks: Uint8Array;
  /** Those that have a width, in pre-order. */
  nodes: number[];
  /** Of the paths through them, each once. */
  bytes: number;
  error: string;
}

/** Part of a name. `kind`: a sign itself, "w" never cut, ":" scope, " " or "." text; `partner`: its bracket, or -1. */
interface Token {
  text: string;
  kind: string;
  partner: number;
}

/** A row of the call tree that is open. */
interface Row {
  node: number;
  /** From 1. */
  level: number;
  /** Frames of libraries below it that are shown in this row; 0 for none. */
  folded: number;
  isOpen: boolean;
  hasMore: boolean;
}
