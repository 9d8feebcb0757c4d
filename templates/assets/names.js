"use strict";

/**
 * C++ and Rust names made short enough to show, with the steps and results of render/names.py (which says why). A bracket
 * counter that knows operators, lambdas and hashes cuts a name into tokens; things are left out only between tokens.
 *
 * @typedef {{text: string, kind: string, partner: number}} Token kind: the sign itself, "w" (never cut), ":", " " or "."
 */

/** @param {string} name @param {number} room in characters @returns {string} */
function shortenName(name, room) {
  for (const step of [withoutDefaults, withString, withoutNoise, withoutParameters]) {
    if (name.length <= room) return name;
    name = step(name);
  }
  if (name.length <= room) return name;
  let tokens = elided(tokensOf(name), room);
  if (textOf(tokens).length > room) tokens = withoutScopes(tokens, room);
  return textOf(tokens).length <= room ? textOf(tokens) : cutEnd(tokens, room);
}

/** @param {string} name @returns {Token[]} */
function tokensOf(name) {
  const pattern =
    /(\boperator(?:\(\)|\[\]|->\*?|<=>|<<=|>>=|<<|>>|\+\+|--|&&|\|\||[-+*/%^&|=!<>]=?|[~,]|\s?""\s?\w{1,200}|\s(?:new|delete)(?:\[\])?|\sco_await)|\(anonymous namespace\)|\(below main\)|\[abi:[^\]]{0,64}\]|\[clone [^\]]{0,200}\]|'[^'<>()]{0,64}'|\bh[0-9a-f]{16}\b|->)|([\p{L}\p{N}_$@~.#]+)|(\s+)|(::)|([<>(){},])|(.)/gsu;
  /** @type {Token[]} */
  const found = [];
  for (const [text, whole, , space, scope, sign] of name.matchAll(pattern)) {
    found.push({ text, kind: whole ? "w" : space ? " " : scope ? ":" : sign || ".", partner: -1 });
  }
  matchBrackets(found, "{");
  /** @type {Token[]} */
  const tokens = [];
  for (let i = 0; i < found.length; i++) {
    const end = found[i].partner;
    if (end > i) tokens.push({ text: textOf(found.slice(i, end + 1)), kind: "w", partner: -1 });
    else tokens.push(found[i]);
    i = Math.max(i, end);
  }
  matchBrackets(tokens, "<({");
  for (const token of tokens) if (token.partner < 0 && "<>(){}".includes(token.kind)) token.kind = ".";
  return tokens;
}

/** @param {Token[]} tokens @param {string} opening which brackets count */
function matchBrackets(tokens, opening) {
  /** @type {number[]} */
  const waiting = [];
  /** @type {{[kind: string]: number}} */
  const open = { "<": 0, "(": 0, "{": 0 };
  tokens.forEach((token, i) => {
    token.partner = -1;
    if (opening.includes(token.kind)) {
      waiting.push(i);
      open[token.kind]++;
      return;
    }
    const wanted = "<({"[">)}".indexOf(token.kind)];
    // `(a < b)`: a parenthesis closes over comparison signs; `a > b` inside one closes nothing outside it.
    if (!wanted || !open[wanted] || (wanted === "<" && tokens[waiting[waiting.length - 1]].kind !== "<")) return;
    let last;
    do {
      last = /** @type {number} */ (waiting.pop());
      open[tokens[last].kind]--;
    } while (tokens[last].kind !== wanted);
    tokens[last].partner = i;
    token.partner = last;
  });
}

/** @param {Token[]} tokens @returns {string} */
function textOf(tokens) {
  return tokens.map((token) => token.text).join("");
}

/** @param {string} name @returns {string} */
function withoutDefaults(name) {
  /** @type {Token[]} */
  const kept = [];
  /** @type {number[][]} */
  const commas = [[]];
  for (const token of tokensOf(name)) {
    if ("<(".includes(token.kind)) commas.push([]);
    else if (">)".includes(token.kind)) {
      const places = /** @type {number[]} */ (commas.pop());
      while (token.kind === ">" && places.length && isDefault(kept, places[places.length - 1] + 1)) {
        kept.length = /** @type {number} */ (places.pop());
      }
    } else if (token.kind === ",") commas[commas.length - 1].push(kept.length);
    kept.push(token);
  }
  return textOf(kept);
}

/** @param {Token[]} tokens @param {number} start @returns {boolean} */
function isDefault(tokens, start) {
  const words = tokens.slice(start, start + 8);
  const end = words.findIndex((token) => token.kind === "<");
  return /^std::(?:__\w{1,20}::|pmr::)?(?:allocator|polymorphic_allocator|char_traits|less|greater|hash|equal_to|default_delete)$/.test(
    textOf(words.slice(0, end < 0 ? 8 : end).filter((token) => token.kind !== " ")),
  );
}

/** @param {string} name @returns {string} */
function withString(name) {
  return name.replace(/std::(?:__cxx11::|__1::|__ndk1::)?basic_string<(char|wchar_t)\s?>/g, (_, char) =>
    char === "char" ? "std::string" : "std::wstring",
  );
}

/** @param {string} name @returns {string} */
function withoutNoise(name) {
  return name.replace(/\b(?:__1|__ndk1|__cxx11|_V2)::|\[abi:[^\]]{0,64}\]/g, "").replace(/::h[0-9a-f]{16}$/, "");
}

/** Without parameters, what follows them, and the return type in front. @param {string} name @returns {string} */
function withoutParameters(name) {
  /** @type {Token[][]} */
  const kept = [];
  let end = -1;
  for (const group of groupsOf(tokensOf(name))) {
    if (group[0].kind === "(" && kept.length) end = kept.length;
    else {
      for (const token of group)
        token.text = token.text.replace(/^\{lambda\(.{2,}\)(#\d+\}|\})$/s, "{lambda(\u2026)$1");
      kept.push(group);
    }
  }
  if (end < 0) return textOf(kept.flat());
  if (end < kept.length && kept[end][0].kind === " ") kept.length = end;
  let start = 0;
  for (let i = 0; i < kept.length && !kept[i][0].text.startsWith("operator"); i++) {
    if (kept[i][0].kind === " " && i + 1 < kept.length) start = i + 1;
  }
  return textOf(kept.slice(start).flat());
}

/** The tokens one by one, but bracketed groups whole. @param {Token[]} tokens @returns {Token[][]} */
function groupsOf(tokens) {
  const groups = [];
  for (let i = 0; i < tokens.length; i += groups[groups.length - 1].length) {
    groups.push(tokens.slice(i, Math.max(tokens[i].partner, i) + 1));
  }
  return groups;
}

/** Template arguments as dots, the innermost first. @param {Token[]} tokens @param {number} room @returns {Token[]} */
function elided(tokens, room) {
  const lengths = [0];
  const groups = [0];
  let depth = 0;
  for (const token of tokens) {
    if (token.kind === ">") depth--;
    lengths[depth] = (lengths[depth] || 0) + token.text.length;
    if (token.kind === "<") groups[depth] = (groups[depth++] || 0) + 1;
  }
  let level = 1;
  for (let i = 1, total = 0; i < lengths.length; i++) {
    total += lengths[i - 1];
    if (total + groups[i - 1] <= room) level = i;
  }
  depth = 0;
  const kept = tokens.flatMap((token) => {
    if (token.kind === ">") depth--;
    const shown = depth < level ? [token] : [];
    if (token.kind === "<" && depth++ === level - 1) shown.push({ text: "\u2026", kind: ".", partner: -1 });
    return shown;
  });
  matchBrackets(kept, "<({");
  return kept;
}

/** @param {Token[]} tokens @param {number} room @returns {Token[]} */
function withoutScopes(tokens, room) {
  const groups = groupsOf(tokens);
  let left = textOf(tokens).length;
  let start = 0;
  for (let i = 1; i < groups.length; i++) {
    left -= textOf(groups[i - 1]).length;
    if (groups[i][0].kind !== ":") continue;
    start = i;
    if (left < room) break;
  }
  return start ? [{ text: "\u2026", kind: ".", partner: -1 }, ...groups.slice(start).flat()] : tokens;
}

/** @param {Token[]} tokens @param {number} room @returns {string} */
function cutEnd(tokens, room) {
  let text = "";
  for (const token of tokens) {
    const left = room - 1 - text.length;
    if (token.text.length > left && token.kind === "w") break;
    text += token.text.slice(0, left);
    if (token.text.length > left) break;
  }
  return text.replace(/\u2026$/, "") + "\u2026";
}
