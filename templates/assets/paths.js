/**
 * The listed paths. An entry of the list is one row of the payload, or several where a tool split the records of one leak.
 *
 * @typedef {{number: number, rows: number[]}} Item
 * @typedef {ReturnType<typeof createPaths>} Paths
 *
 * @param {Data} data
 */
function createPaths(data) {
  const { rows, kind, document: report, frames: table } = data;
  const { parent, frame } = data.tree;
  const names = Object.keys(rows);
  /** @type {string[]} */
  const ids = rows.id || [];
  const places = ["node", "stack", "responsible", "site", "named_by", "frames_before"];
  const figures = names.filter(
    (one) => !places.includes(one) && rows[one].some((/** @type {any} */ amount) => typeof amount === "number"),
  );

  /** @param {string} column @param {number} row @returns {any} null where there is none */
  const cell = (column, row) => rows[column]?.[row] ?? null;

  /** Outermost first. @param {number} row @returns {number[]} */
  function frames(row) {
    const found = [];
    for (let node = cell("node", row); node > 0; node = parent[node]) if (frame[node] >= 0) found.push(frame[node]);
    return cell("stack", row) || found.reverse();
  }

  /** The position of the frame that names a row: yours, past wrappers; else the outermost of the allocating library. @param {number} row */
  function named(row) {
    const stack = frames(row);
    const own = cell("named_by", row) ?? cell("responsible", row);
    let at = own ?? cell("site", row) ?? stack.length - 1;
    while (own === null && at > 0 && table.module[stack[at - 1]] === table.module[stack[at]]) at -= 1;
    return at;
  }

  /** @param {number} row */
  function name(row) {
    const stack = frames(row);
    return stack.length ? frameName(data, stack[named(row)]) : "[no stack]";
  }

  /** A figure or text of an entry: the sum over its rows; of a series, its last value. @param {Item} item @param {string} column @returns {any} */
  function value(item, column) {
    if (column === "number") return item.number;
    if (column === "name") return item.rows.length ? name(item.rows[0]) : null;
    const known = item.rows
      .map((row) => cell(column, row))
      .map((one) => (Array.isArray(one) ? one[one.length - 1] : one))
      .filter((one) => one !== null);
    return known.length ? known.reduce((sum, one) => (typeof one === "number" ? sum + one : sum)) : null;
  }

  /** As in one line of render/stack_text.py. @param {number} of */
  function plainName(of) {
    const address = table.address?.[of];
    const isNamed = !address || frameText(data, of, "function") || table.offset?.[of];
    return oneName(isNamed ? frameName(data, of) : [libraryOf(data, of), address].filter(Boolean).join("@"));
  }

  const frameTexts = /** @type {const} */ (["function", "module", "file"]);
  /** @param {number} of */
  const factsOfFrame = (of) => ({
    ...Object.fromEntries(frameTexts.map((column) => [column, frameText(data, of, column) || null])),
    line: table.line[of] || null,
  });

  /** @param {Item[]} items */
  const rowsOf = (items) => items.flatMap((item) => item.rows);

  return {
    data,
    frames,
    named,
    name,
    value,
    cell,
    /** Rows one by one, outermost frame first. @param {Item[]} items @returns {any[]} */
    objects(items) {
      const kept = names.filter((column) => !["node", "stack", "frames_before"].includes(column));
      return rowsOf(items).map((row) => ({
        ...Object.fromEntries(kept.map((column) => [column, cell(column, row)])),
        frames: frames(row).map(factsOfFrame),
      }));
    },
    /**
     * @param {string[]} shown what stands on the page already: id and kind
     * @returns {Item[]} these first, then the others in the order of the data
     */
    items(shown) {
      const rowOf = new Map(ids.map((id, row) => [`${id} ${cell("leak_kind", row) || ""}`, row]));
      /** @type {Map<number, number[]>} */
      const groups = new Map();
      const rest = new Set(rowOf.values());
      for (const { path_ids, leak_kind } of kind === "analysis" ? report.findings : []) {
        const found = path_ids.map((/** @type {string} */ id) => rowOf.get(`${id} ${leak_kind || ""}`));
        if (found.every((/** @type {any} */ row) => rest.delete(row)) && found.length) groups.set(found[0], found);
      }
      for (const row of rest) groups.set(row, [row]);
      const first = shown.map((key) => {
        const row = rowOf.get(key) ?? -1;
        const found = groups.get(row) || [];
        groups.delete(row);
        return found;
      });
      return [...first, ...groups.values()].map((own, index) => ({ number: index + 1, rows: own }));
    },
    /** As Markdown: what it is, its figures, its stack. @param {Item} item */
    markdown(item) {
      const row = item.rows[0];
      const at = named(row);
      const stack = frames(row).map(
        (of, i) => `${i === at ? "\u25b6" : " "} ${frameName(data, of)}  ${placeOf(data, of)}`,
      );
      const lines = [`${item.number}. ${code(name(row))}\n`];
      for (const column of ["leak_kind", ...figures.filter((one) => one.includes("retained_"))]) {
        const amount = value(item, column);
        if (amount === null) continue;
        const exact = column.endsWith("_bytes") ? ` (${formatExactBytes(amount)})` : "";
        lines.push(`- ${column.replace(/[._]/g, " ")}: ${valueWords(column, amount)}${exact}`);
      }
      lines.push(`- path: ${code(ids[row])}`, "\nInnermost frame first; \u25b6 marks the one it is named by:\n");
      return [...lines, code(stack.reverse().join("\n"), "text\n"), ""].join("\n");
    },
    /** With the columns of render/csv.py. @param {Item[]} items */
    csv(items) {
      const lines = [
        [
          ..."id kind module function file line owner state".split(" "),
          ...figures.map((one) => one.replace("values.", "")),
          "stack",
        ],
      ];
      for (const row of rowsOf(items)) {
        const stack = frames(row);
        const own = stack[named(row)];
        /** @param {string} column */
        const text = (column) => oneName(cell(column, row) || "");
        lines.push([
          ids[row],
          cell("leak_kind", row),
          text("module"),
          ...(own >= 0 ? [plainName(own), oneName(frameText(data, own, "file")), table.line[own] || ""] : Array(3)),
          text("owner"),
          text("state"),
          ...figures.map((one) => cell(one, row)),
          stack.map(plainName).join(";"),
        ]);
      }
      return lines.map((cells) => cells.map(csvCell).join() + "\n").join("");
    },
  };
}

/** A code span, or a block with its language, that the text cannot leave. @param {string} text @param {string} [block] */
function code(text, block = "") {
  const longest = Math.max(block ? 2 : 0, ...(text.match(/`+/g) || []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const pad = block ? "\n" : /^[` ]|[` ]$/.test(text) ? " " : "";
  return fence + (block || pad) + text + pad + fence;
}

/** RFC 4180; a text that a spreadsheet would take for a formula gets a quote in front, as in render/csv.py. @param {any} cell */
function csvCell(cell) {
  if (typeof cell !== "string") return `${cell ?? ""}`;
  const text = /^[=+\-@'\uff0b-\uff20]/.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** Without what ends a name or a line. @param {string} name */
function oneName(name) {
  return name.replace(/[\p{Cc}\p{Cs};\\\u2028\u2029]/gu, (char) => {
    const hex = char.charCodeAt(0).toString(16);
    return hex.length > 2 ? `\\u${hex}` : `\\x${hex.padStart(2, "0")}`;
  });
}

/** Large numbers first, names from A, what is missing last. @param {any} one @param {any} other @returns {number} */
function compareValues(one, other) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return typeof one === "number" ? other - one : one < other ? -1 : Number(one > other);
}

/** @param {string} column @param {any} value @returns {string} as the static rows write it */
function valueWords(column, value) {
  const kinds = { definite: "\u25cf definitely", indirect: "\u25c9 indirectly", possible: "\u25d0 possibly" };
  if (value === null) return "";
  if (column === "leak_kind")
    return value in kinds ? `${kinds[/** @type {"definite"} */ (value)]} lost` : `\u25cb still ${value}`;
  if (typeof value === "string") return value;
  if (/^(?:change|slope)\./.test(column)) return markedChange(column, Math.round(value));
  return amountText(column, value);
}
