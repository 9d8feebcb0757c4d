"use strict";

// Prints how many words two scripts have, or fails where these are not the same. `node words.js ONE OTHER`
const fs = require("node:fs");
const ts = require("typescript");

/** The words of a script, without comments and blanks. */
function wordsOf(path) {
  const text = fs.readFileSync(path, "utf-8");
  const found = [];
  const visit = (node) => {
    if (node.getChildCount() === 0) found.push(node.getText());
    node
      .getChildren()
      .filter((child) => !ts.isJSDoc(child))
      .forEach(visit);
  };
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  if (source.parseDiagnostics.length) throw new Error(source.parseDiagnostics[0].messageText);
  visit(source);
  const words = found.filter(Boolean);
  // A comma behind the last of a list says nothing.
  return words.filter((word, index) => word !== "," || !/^[)\]}]$/.test(words[index + 1]));
}

const [one, other] = process.argv.slice(2).map(wordsOf);
if (JSON.stringify(one) !== JSON.stringify(other)) {
  const place = one.findIndex((word, index) => word !== other[index]);
  throw new Error(`word ${place}: ${one[place]} is ${other[place]}`);
}
process.stdout.write(String(one.length));
