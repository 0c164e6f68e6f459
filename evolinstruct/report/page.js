// The table of instructions, its filters, and the family of a row; the theme.
// Whatever comes from the data is set as text and never as markup.
"use strict";
(() => {
  const PAGE = 25;
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

  // Theme

  const themes = ["auto", "light", "dark"];
  function remembered() {
    try { return localStorage.getItem("theme"); } catch { return null; } // a file may have no storage
  }
  function setTheme(name) {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    byId("theme").textContent = `Theme: ${name}`;
    try { localStorage.setItem("theme", name); } catch { /* it lasts as long as the page */ }
  }
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  setTheme(theme);
  byId("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
  });

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
    const wanted = search.value.trim().toLowerCase();
    const asked = selects.filter(([, select]) => select.value);
    found = rows.filter((row) =>
      asked.every(([name, select]) => is[name](row, select.value)) && row.words.includes(wanted));
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
      return make("th", { scope: "col", "aria-sort": { 1: "ascending", 0: "none", [-1]: "descending" }[sign] },
        make("button", { type: "button", click: () => sortBy(column) },
          column.name + { 1: " ↑", 0: "", [-1]: " ↓" }[sign]));
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
      const shown = String((column.show ?? column.of)(row));
      const attributes = { class: column.kind, "data-unit": column.unit };
      if (column.kind === "wide") {
        const said = shown || row.line.why || "(nothing)";
        return make("td", attributes, make("button", { type: "button", class: "open", dir: "auto" }, said));
      }
      if (column.name === "Outcome") {
        return make("td", attributes, make("span", { class: "outcome", "data-outcome": shown }, shown));
      }
      return make("td", attributes, shown);
    });
    return make("tr", { click: () => open(row) }, ...cells);
  }

  // The family of a row

  const dialog = byId("family");
  const elements = { 1: "ins", 0: "span", [-1]: "del" };

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
    const parts = line.diff ? line.diff.map(([sign, part]) => make(elements[sign], {}, part)) : [line.text];
    item.append(make("p", { class: "text", dir: "auto" }, ...parts));
    if (line.parent && line.parent !== family.indexOf(line) - 1) {
      item.append(make("p", { class: "about" }, `from generation ${family[line.parent].generation}`));
    }
    if (line.why) item.append(make("p", { class: "why", dir: "auto" }, line.why));
    if (line.answer) {
      item.append(make("details", {}, make("summary", {}, "The answer"),
        make("p", { class: "text", dir: "auto" }, line.answer)));
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
      make("p", { class: "text", dir: "auto" }, point.text),
      make("p", { class: "about" }, `${about} · `,
        isHere ? make("a", { href: `#${point.id}` }, "its family") : make("code", {}, point.id)));
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
