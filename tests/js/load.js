"use strict";

const fs = require("node:fs");
const path = require("node:path");

const ASSETS = path.join(__dirname, "..", "..", "templates", "assets");

/** The scripts of the manifest, joined in its order, as the page has them. */
function joinedScripts() {
  const manifest = fs.readFileSync(path.join(ASSETS, "manifest.toml"), "utf-8");
  const list = /^js\s*=\s*\[([^\]]*)\]/m.exec(manifest);
  if (!list) throw new Error("no list `js` in manifest.toml");
  const names = Array.from(list[1].matchAll(/"([^"]+)"/g), (match) => match[1]);
  return names.map((name) => fs.readFileSync(path.join(ASSETS, name), "utf-8").trim()).join("\n");
}

/** All top-level functions of the scripts by name, in the one scope they share. `globals` stand in for the browser's. */
function load(globals = {}) {
  const text = joinedScripts();
  const names = Array.from(text.matchAll(/^(?:async )?function\*? (\w+)/gm), (match) => match[1]);
  const body = text.replace(/^main\(.*\);$/gm, "");
  return new Function(...Object.keys(globals), `"use strict";\n${body}\nreturn {${names.join(",")}};`)(
    ...Object.values(globals),
  );
}

module.exports = { joinedScripts, load };
