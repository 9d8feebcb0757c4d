/**
 * A C++ or Rust name short enough to show, by the steps of render/names.py, which says why. A bracket counter that knows
 * operators, lambdas and hashes cuts it into tokens; only whole tokens are left out.
 *
 * @type {(name: string, room: number) => string}
 */
function shortenName(name, room) {
  for (const step of [withoutDefaults, withoutNoise, withoutParameters]) {
    if (name.length <= room) return name;
    name = step(name, room);
  }
  if (name.length <= room) return name;
  let tokens = elided(tokensOf(name), room);
  if (textOf(tokens).length > room) tokens = withoutScopes(tokens, room);
  return textOf(tokens).length > room ? cutEnd(tokens, room) : textOf(tokens);
}

/** @type {(text: string, kind: string) => Token} */
function makeToken(text, kind) {
  return { text, kind, partner: -1 };
}

/** @type {(tokens: Token[]) => string} */
function textOf(tokens) {
  return tokens.map((token) => token.text).join("");
}

/** @type {(name: string) => Token[]} */
function tokensOf(name) {
  const pattern =
    /(\boperator(?:\(\)|\[\]|->\*?|<=>|<<=|>>=|<<|>>|\+\+|--|&&|\|\||[-+*/%^&|=!<>]=?|[~,]|\s?""\s?\w{1,200}|\s(?:new|delete)(?:\[\])?|\sco_await)|\(anonymous namespace\)|\(below main\)|\[abi:[^\]]{0,64}\]|\[clone [^\]]{0,200}\]|'[^'<>()]{0,64}'|\bh[0-9a-f]{16}\b|->)|[\p{L}\p{N}_$@~.#]+|(\s+)|(::)|([<>(){},])|./gsu;
  const found = Array.from(name.matchAll(pattern), ([text, whole, space, scope, sign]) =>
    makeToken(text, whole ? "w" : space ? " " : scope ? ":" : sign || "."),
  );
  pairBrackets(found, "{");
  const tokens = groupsOf(found).map((group) => (group[1] ? makeToken(textOf(group), "w") : group[0]));
  pairBrackets(tokens, "<({");
  for (const token of tokens) if (token.partner < 0 && "<>(){}".includes(token.kind)) token.kind = ".";
  return tokens;
}

/** @type {(tokens: Token[], opening: string) => void} */
function pairBrackets(tokens, opening) {
  /** @type {number[]} */
  const waiting = [];
  tokens.forEach((token, i) => {
    token.partner = -1;
    const wanted = "<({"[">)}".indexOf(token.kind)];
    if (opening.includes(token.kind)) waiting.push(i);
    if (!wanted || !waiting.length) return;
    // `(a < b)`: a parenthesis closes over comparison signs; `a > b` inside one closes nothing outside it.
    let at = waiting.length - 1;
    while (wanted !== "<" && at >= 0 && tokens[waiting[at]].kind !== wanted) at--;
    if (at < 0 || tokens[waiting[at]].kind !== wanted) return;
    token.partner = waiting[at];
    tokens[waiting[at]].partner = i;
    waiting.length = at;
  });
}

/** The tokens one by one, but bracketed groups whole. @type {(tokens: Token[]) => Token[][]} */
function groupsOf(tokens) {
  const groups = [];
  for (let i = 0; i < tokens.length; i += groups[groups.length - 1].length) {
    groups.push(tokens.slice(i, Math.max(tokens[i].partner, i) + 1));
  }
  return groups;
}

/** Without `std::allocator<...>` and the like as later arguments. @type {(name: string) => string} */
function withoutDefaults(name) {
  const isDefault =
    /^std::(?:__\w{1,20}::|pmr::)?(?:allocator|polymorphic_allocator|char_traits|less|greater|hash|equal_to|default_delete)$/;
  /** @type {Token[]} */
  const kept = [];
  /** @type {number[][]} */
  const commas = [[]];
  for (const token of tokensOf(name)) {
    if (token.kind === "<" || token.kind === "(") commas.push([]);
    if (token.kind === ",") commas[commas.length - 1].push(kept.length);
    const places = token.kind === ">" || token.kind === ")" ? commas.pop() || [] : [];
    while (token.kind === ">" && places.length) {
      const words = kept.slice(places[places.length - 1] + 1).slice(0, 8);
      const end = words.findIndex((word) => word.kind === "<");
      if (!isDefault.test(textOf(end < 0 ? words : words.slice(0, end)).replace(/\s/g, ""))) break;
      kept.length = places.pop() || 0;
    }
    kept.push(token);
  }
  return textOf(kept);
}

/** @type {(name: string, room: number) => string} */
function withoutNoise(name, room) {
  const known = name.replace(/std::(?:__cxx11::|__1::|__ndk1::)?basic_string<(?:char|(w)char_t)\s?>/g, "std::$1string");
  if (known.length <= room) return known;
  return known.replace(/\b(?:__1|__ndk1|__cxx11|_V2)::|\[abi:[^\]]{0,64}\]/g, "").replace(/::h[0-9a-f]{16}$/, "");
}

/** Without parameters, what follows them, and the return type in front. @type {(name: string) => string} */
function withoutParameters(name) {
  const tokens = tokensOf(name);
  for (const one of tokens) one.text = one.text.replace(/^\{lambda\(.{2,}\)(#\d+\}|\})$/s, "{lambda(\u2026)$1");
  const groups = groupsOf(tokens);
  const kept = groups.filter((group, i) => !i || group[0].kind !== "(");
  const last = groups.reduce((end, group, i) => (i && group[0].kind === "(" ? i : end), -1);
  if (last < 0) return textOf(tokens);
  const end = kept.length - (groups.length - 1 - last);
  if (end < kept.length && kept[end][0].kind === " ") kept.length = end;
  let start = 0;
  for (let i = 0; i < kept.length && !kept[i][0].text.startsWith("operator"); i++) {
    if (kept[i][0].kind === " " && i + 1 < kept.length) start = i + 1;
  }
  return textOf(kept.slice(start).flat());
}

/** Template arguments as dots, the innermost first. @type {(tokens: Token[], room: number) => Token[]} */
function elided(tokens, room) {
  let depth = 0;
  const depths = tokens.map(({ kind }) => (kind === "<" ? depth++ : kind === ">" ? --depth : depth));
  const dots = makeToken("\u2026", ".");
  let level = 2 + Math.max(0, ...depths.filter((_, i) => tokens[i].kind === "<"));
  let kept = tokens;
  do {
    level--;
    kept = tokens.flatMap((token, i) => {
      if (depths[i] >= level) return [];
      return token.kind === "<" && depths[i] === level - 1 ? [token, dots] : [token];
    });
  } while (level > 1 && textOf(kept).length > room);
  pairBrackets(kept, "<({");
  return kept;
}

/** @type {(tokens: Token[], room: number) => Token[]} */
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
  return start ? [makeToken("\u2026", "."), ...groups.slice(start).flat()] : tokens;
}

/** @type {(tokens: Token[], room: number) => string} */
function cutEnd(tokens, room) {
  let text = "";
  for (const token of tokens) {
    const left = room - 1 - text.length;
    if (token.text.length <= left || token.kind !== "w") text += token.text.slice(0, left);
    if (token.text.length > left) break;
  }
  return text.replace(/\u2026$/, "") + "\u2026";
}
