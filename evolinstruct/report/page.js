// The table of instructions, its filters, and the family of a row; the map.
// Whatever comes from the data is set as text and never as markup.
"use strict";
(() => {
  const PAGE = 25;
  const EXCERPT = 240; // letters of an instruction in the table, and of what is below it
  const BELOW = 160;
  const BEFORE = 50; // letters before what an excerpt is about
  const DELAY = 120; // milliseconds between the last key and the search
  const byId = (id) => document.getElementById(id);

  function make(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(key, value);
      else if (value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children); // a string becomes a text node
    return element;
  }

  // Rows

  const { runs, points } = JSON.parse(byId("data").textContent);
  const textOf = (line) => line.diff
    ? line.diff.filter(([sign]) => sign >= 0).map(([, part]) => part).join("")
    : line.text;
  const rows = runs.flatMap((run, runNumber) => run.families.flatMap((family) =>
    family.map((line) => {
      const text = textOf(line);
      const words = [text, line.answer, line.why, line.id].join("\n").toLowerCase();
      return { line, family, text, words, run: runNumber };
    })));

  // Filters

  const several = runs.length > 1;
  const is = {
    run: (row, value) => String(row.run) === value,
    generation: (row, value) => String(row.line.generation) === value,
    operation: (row, value) => row.line.operation === value,
    outcome: (row, value) => value === "rejected"
      ? !["seed", "kept", "failed"].includes(row.line.outcome)
      : row.line.outcome === value,
  };
  const distinct = (values) => [...new Set(values.filter((value) => value !== undefined))];
  const outcomes = distinct(rows.map((row) => row.line.outcome));
  const rules = outcomes.filter((name) => !["seed", "kept", "failed"].includes(name)).sort();
  const choices = {
    run: several ? runs.map((run, number) => [String(number), run.name]) : [],
    generation: distinct(rows.map((row) => row.line.generation)).sort((a, b) => a - b)
      .map((number) => [String(number), number ? String(number) : "0, the seeds"]),
    operation: distinct(rows.map((row) => row.line.operation)).sort().map((name) => [name, name]),
    outcome: [
      ...["seed", "kept"].filter((name) => outcomes.includes(name)).map((name) => [name, name]),
      ...(rules.length ? [["rejected", "rejected, by any rule"]] : []),
      ...rules.map((name) => [name, `– ${name}`]),
      ...(outcomes.includes("failed") ? [["failed", "failed"]] : []),
    ],
  };

  // Texts: what a rewrite changed, what was searched, and lines of code or data

  const elements = { 1: "ins", 0: "span", [-1]: "del" };
  const wanted = () => search.value.trim();

  // Parts are [sign, text], as rewrites have them; a plain text is one of them.
  const partsOf = (line) => line.diff ?? [[0, line.text]];

  // Return pieces {sign, text, isFound}: the parts, cut where what was searched begins and ends.
  function pieces(parts) {
    const sought = wanted().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const current = parts.filter(([sign]) => sign >= 0).map(([, text]) => text).join("");
    const found = sought ? [...current.matchAll(new RegExp(sought, "gi"))] : [];
    const edges = found.flatMap((match) => [match.index, match.index + match[0].length]);
    const cut = [];
    let at = 0; // letters of the current text
    let edge = 0; // an edge with an even number begins what was found
    for (const [sign, text] of parts) {
      if (sign < 0) { cut.push({ sign, text, isFound: false }); continue; }
      const end = at + text.length;
      let from = at;
      while (edge < edges.length && edges[edge] < end) {
        if (edges[edge] > from) cut.push({ sign, text: text.slice(from - at, edges[edge] - at), isFound: edge % 2 === 1 });
        from = edges[edge];
        edge += 1;
      }
      if (from < end) cut.push({ sign, text: text.slice(from - at), isFound: edge % 2 === 1 });
      at = end;
    }
    return cut;
  }

  const shownPiece = ({ sign, text, isFound }) =>
    make(elements[sign], {}, isFound ? make("mark", {}, text) : text);

  // Return elements that show parts; the lines in `fixed`, pairs of numbers, keep their columns.
  function shown(parts, fixed = []) {
    const blocks = [];
    let line = 0;
    for (const piece of pieces(parts)) {
      for (const text of piece.text.split(/(?<=\n)/)) {
        const isFixed = fixed.some(([first, end]) => first <= line && line < end);
        if (blocks.at(-1)?.isFixed !== isFixed) blocks.push({ isFixed, shown: [] });
        blocks.at(-1).shown.push(shownPiece({ ...piece, text }));
        if (text.endsWith("\n")) line += 1;
      }
    }
    return blocks.flatMap((block) =>
      block.isFixed ? [make("span", { class: "fixed" }, ...block.shown)] : block.shown);
  }

  // Return the end of a word near a place in a text; the place itself where words are long.
  function atWord(text, place) {
    const blank = text.lastIndexOf(" ", place) + 1;
    if (place - blank < 30) return blank;
    return /[\udc00-\udfff]/.test(text[place]) ? place - 1 : place; // not inside a letter
  }

  // Return elements that show some letters of parts, from before what was found, or else added.
  function excerpt(parts, letters) {
    const current = pieces(parts.filter(([sign]) => sign >= 0).map(([sign, text]) =>
      [sign, text.replace(/\s+/g, " ")]));
    const whole = current.map((piece) => piece.text).join("");
    const about = current.find((piece) => piece.isFound) ?? current.find((piece) => piece.sign > 0);
    const before = current.slice(0, Math.max(0, current.indexOf(about))).reduce((sum, piece) => sum + piece.text.length, 0);
    const begin = before < 2 * BEFORE ? 0 : atWord(whole, before - BEFORE);
    const end = begin + letters < whole.length ? atWord(whole, begin + letters) : whole.length;
    const elements = begin ? ["… "] : [];
    let at = 0;
    for (const piece of current) {
      const text = piece.text.slice(Math.max(0, begin - at), Math.max(0, end - at));
      if (text) elements.push(shownPiece({ ...piece, text }));
      at += piece.text.length;
    }
    return end < whole.length ? [...elements, "…"] : elements;
  }

  const search = make("input", { type: "search", id: "search", placeholder: "any text, or an id" });
  const selects = Object.entries(choices).filter(([, options]) => options.length).map(
    ([name, options]) => [name, make("select", { id: `by-${name}` },
      make("option", { value: "" }, "all"),
      ...options.map(([value, label]) => make("option", { value }, label)))]);
  byId("filters").append(
    make("label", {}, "Search", search),
    ...selects.map(([name, select]) => make("label", {}, name[0].toUpperCase() + name.slice(1), select)),
  );

  const columns = [
    ...(several ? [{ name: "Run", of: (row) => row.run, show: (row) => runs[row.run].name }] : []),
    { name: "Generation", unit: "generation", kind: "number", of: (row) => row.line.generation },
    { name: "Operation", kind: "short", of: (row) => row.line.operation ?? "" },
    { name: "Outcome", kind: "short", of: (row) => row.line.outcome },
    { name: "Words", unit: "words", kind: "number", of: (row) => row.line.words ?? 0 },
    { name: "Instruction", kind: "wide", of: (row) => row.text },
  ];

  let found = rows;
  let page = 0;
  let order = null; // a column, and whether it is turned round
  function filter() {
    const sought = wanted().toLowerCase();
    const asked = selects.filter(([, select]) => select.value);
    found = rows.filter((row) =>
      asked.every(([name, select]) => is[name](row, select.value)) && row.words.includes(sought));
    if (order) {
      const { column, sign } = order;
      found.sort((one, other) => {
        const [a, b] = [column.of(one), column.of(other)];
        return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
      });
    }
    page = 0;
    show();
  }

  function sortBy(column) {
    order = order?.column === column ? (order.sign > 0 ? { column, sign: -1 } : null) : { column, sign: 1 };
    filter();
    byId("rows").querySelectorAll("thead button")[columns.indexOf(column)].focus();
  }

  function show() {
    const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    const start = page * PAGE;
    byId("count").textContent = found.length
      ? `${(start + 1).toLocaleString("en")} to ${Math.min(start + PAGE, found.length).toLocaleString("en")} of ${found.length.toLocaleString("en")}`
      : "Nothing fits these filters; take one away.";
    const head = columns.map((column) => {
      const sign = order?.column === column ? order.sign : 0;
      return make("th", { scope: "col", class: column.kind, "aria-sort": { 1: "ascending", 0: "none", [-1]: "descending" }[sign] },
        make("button", { type: "button", click: () => sortBy(column) },
          column.name, make("span", { class: "arrow", "aria-hidden": "true" }, { 1: "↑", 0: "↕", [-1]: "↓" }[sign])));
    });
    byId("rows").replaceChildren(make("table", {},
      make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...found.slice(start, start + PAGE).map(rowOf))));
    byId("pages").replaceChildren(
      make("button", { type: "button", click: () => turn(-1), ...(page ? {} : { disabled: "" }) }, "Previous"),
      `Page ${page + 1} of ${last + 1}`,
      make("button", { type: "button", click: () => turn(1), ...(page < last ? {} : { disabled: "" }) }, "Next"));
  }

  function turn(step) {
    page += step;
    show();
    byId("pages").querySelectorAll("button")[step > 0 ? 1 : 0].focus();
  }

  function rowOf(row) {
    const cells = columns.map((column) => {
      const said = String((column.show ?? column.of)(row));
      const attributes = { class: column.kind, "data-unit": column.unit };
      if (column.kind === "wide") {
        return make("td", attributes, ...wideOf(row.line));
      }
      if (column.name === "Outcome") {
        return make("td", attributes, make("span", { class: "outcome", "data-outcome": said }, said));
      }
      return make("td", attributes, said);
    });
    return make("tr", { click: () => open(row) }, ...cells);
  }

  // Return what a row shows of a line: its text, why it was dropped, its answer.
  function wideOf(line) {
    const said = textOf(line) ? excerpt(partsOf(line), EXCERPT) : ["(no text)"];
    const below = [["why", "", line.why], ["answer", "Answer: ", line.answer]].filter(([, , text]) => text);
    return [
      make("button", { type: "button", class: "open", dir: "auto" }, ...said),
      ...below.map(([name, label, text]) =>
        make("span", { class: name, dir: "auto" }, label, ...excerpt([[0, text]], BELOW))),
    ];
  }

  // The family of a row

  const dialog = byId("family");

  function open(row) {
    const run = several ? ` · ${runs[row.run].name}` : "";
    dialog.replaceChildren(
      make("div", { class: "family-head" },
        make("h3", { id: "family-title" }, `A family${run}`),
        make("button", { type: "button", click: () => dialog.close() }, "Close")),
      make("ol", { class: "tree" }, ...row.family.map((line) => stepOf(line, row.line, row.family))));
    if (!dialog.open) dialog.showModal();
    history.replaceState(null, "", `#${row.line.id}`);
    dialog.querySelector(".meant").scrollIntoView({ block: "nearest" });
  }

  function stepOf(line, meant, family) {
    const about = [
      line.generation ? `Generation ${line.generation}` : "Seed",
      line.operation, line.format, line.generation ? line.outcome : undefined,
      line.words === undefined ? undefined : `${line.words.toLocaleString("en")} ${line.words === 1 ? "word" : "words"}`,
    ].filter((part) => part !== undefined).join(" · ");
    const isKept = ["kept", "seed"].includes(line.outcome);
    const kind = isKept ? line.outcome : `dead ${line.outcome === "failed" ? "failed" : "rejected"}`;
    const item = make("li", { class: line === meant ? `${kind} meant` : kind },
      make("p", { class: "about" }, `${about} `, make("code", {}, line.id)));
    if (line === meant) item.setAttribute("aria-current", "true");
    item.append(make("p", { class: "text", dir: "auto" }, ...shown(partsOf(line), line.text_fixed)));
    if (line.parent && line.parent !== family.indexOf(line) - 1) {
      item.append(make("p", { class: "about" }, `from generation ${family[line.parent].generation}`));
    }
    if (line.why) item.append(make("p", { class: "why", dir: "auto" }, ...shown([[0, line.why]])));
    if (line.answer) {
      const answer = make("details", {}, make("summary", {}, "The answer"),
        make("p", { class: "text", dir: "auto" }, ...shown([[0, line.answer]], line.answer_fixed)));
      answer.open = line === meant || answer.querySelector("mark") !== null;
      item.append(answer);
    }
    return item;
  }

  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => history.replaceState(null, "", "#instructions"));

  function openNamed() {
    const id = location.hash.slice(1);
    const row = id && rows.find((one) => one.line.id === id);
    if (row) open(row);
  }
  addEventListener("hashchange", openNamed);

  // The map: the text of the point that is meant, and one group of points at a time

  const map = byId("map");
  const circles = map ? [...map.querySelectorAll("circle")] : [];
  let meant = null;
  function mean(circle) {
    if (!circle || circle === meant) return;
    meant?.classList.remove("meant");
    meant = circle;
    meant.classList.add("meant");
    const point = points[circle.dataset.point];
    const about = [
      point.group, point.operation ?? undefined, `cluster ${point.cluster}`,
    ].filter((part) => part !== undefined).join(" · ");
    const isHere = rows.some((row) => row.line.id === point.id);
    byId("point").replaceChildren(
      make("p", { class: "about" }, `${about} · `,
        isHere ? make("a", { href: `#${point.id}` }, "its family") : make("code", {}, point.id)),
      make("p", { class: "text", dir: "auto" }, ...shown([[0, point.text]], point.text_fixed)));
  }
  // In the order of the clusters, from left to right, so that a step leads to something alike.
  const inOrder = [...circles].sort((one, other) =>
    points[one.dataset.point].cluster - points[other.dataset.point].cluster
    || one.getAttribute("cx") - other.getAttribute("cx"));
  function step(by) {
    const seen = inOrder.filter((circle) => !circle.classList.contains("dim"));
    const place = seen.indexOf(meant);
    mean(seen[place < 0 ? 0 : (place + by + seen.length) % seen.length]);
  }
  map?.addEventListener("pointerover", (event) => mean(event.target.closest("circle")));
  map?.addEventListener("click", (event) => mean(event.target.closest("circle")));
  map?.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by) { event.preventDefault(); step(by); }
  });
  for (const button of byId("map-groups")?.children ?? []) {
    button.addEventListener("click", () => {
      const isOff = button.getAttribute("aria-pressed") === "true";
      for (const other of button.parentElement.children) other.setAttribute("aria-pressed", "false");
      if (!isOff) button.setAttribute("aria-pressed", "true");
      for (const circle of circles) {
        circle.classList.toggle("dim", !isOff && points[circle.dataset.point].group !== button.dataset.group);
      }
    });
  }

  let waiting;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, DELAY); });
  for (const [, select] of selects) select.addEventListener("change", filter);
  byId("filters").addEventListener("submit", (event) => { event.preventDefault(); filter(); });

  filter();
  openNamed();
})();
