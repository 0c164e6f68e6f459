// Finds while one types, and lets keys go from line to line. Without it, the button and the links do the same.
"use strict";
(() => {
  const DELAY = 150; // milliseconds between the last key and the search
  const form = document.getElementById("filters");
  if (!form) return; // a family, or calls
  let asked = 0;
  let waiting;

  async function load(address, focus) {
    const mine = ++asked;
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (mine !== asked) return; // a later search was quicker
    const found = page.getElementById("results");
    if (!found) { location.assign(address); return; } // a sentence says what is wrong
    document.getElementById("results").replaceWith(found);
    for (const name of ["sort", "falling"]) keep(name, new URL(address).searchParams.get(name));
    history.replaceState(null, "", address);
    if (focus) document.querySelector(focus)?.focus();
  }

  // The order stays as it is when something else is looked for.
  function keep(name, value) {
    form.querySelector(`[name="${name}"]`)?.remove();
    if (!value) return;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }

  function address() {
    const given = [...new FormData(form)].filter(([, value]) => value.trim());
    const url = new URL(form.action);
    url.search = new URLSearchParams(given);
    return url.href;
  }

  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => load(address()), DELAY);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); load(address()); });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("#results th a, #results .pages a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const place = [...document.querySelectorAll("#results th a")].indexOf(link);
    load(link.href, place < 0 ? "#results .open" : `#results th:nth-child(${place + 1}) a`);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = event.target.matches("input, select, textarea");
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      document.getElementById("search").select();
      return;
    }
    const by = { j: 1, k: -1 }[event.key];
    if (!by || isTyping) return;
    const lines = [...document.querySelectorAll("#results .open")];
    const here = lines.indexOf(document.activeElement);
    lines[Math.min(lines.length - 1, Math.max(0, here < 0 ? 0 : here + by))]?.focus();
  });
})();
