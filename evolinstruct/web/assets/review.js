// Reviews lines by keys. Whatever is done waits for what was done before: a decision is kept, and
// then the next line is shown. Texts are set as text, never as markup.
"use strict";
(() => {
  const desk = document.getElementById("review");
  if (!desk) return;
  const find = (id) => document.getElementById(id);
  const forms = { why: find("why"), edit: find("edit") };
  const buttons = [...desk.querySelectorAll(".keys button")];
  let lines = [], place = 0, said = "", undone = [], ready = false, opening = false;

  // What is shown

  function element(name, text, more = {}) {
    const made = document.createElement(name);
    if (text !== null) made.textContent = text;
    for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
    return made;
  }
  function passage(title, ...content) {
    const text = element("p", null, { class: "text", dir: "auto" });
    text.append(...content);
    return [element("h3", title), text];
  }
  const names = { same: "span", added: "ins", removed: "del" };
  function rewrite(line) {
    if (line.decision?.decision === "edited") return [line.decision.instruction];
    return line.parts ? line.parts.map(([kind, text]) => element(names[kind], text)) : [line.instruction];
  }
  function answer(line) {
    if (line.decision?.decision === "edited") return line.decision.output ?? "(to be answered anew)";
    return line.output ?? "(no answer)";
  }
  function verdict(line) {
    const { decision, reason } = line.decision ?? {};
    const text = decision ? `You ${decision} it${reason ? `: ${reason}` : ""}` : "Not reviewed yet";
    return element("p", text, { class: "verdict", "data-decision": decision ?? "" });
  }
  function show() {
    closeForms();
    const line = lines[place], card = find("line");
    card.replaceChildren();
    if (line) {
      card.append(verdict(line), element("p", line.about, { class: "about" }));
      if (line.rejected) card.append(element("p", line.rejected, { class: "why", dir: "auto" }));
      card.append(...passage("Before", line.parent), ...passage("Evolved", ...rewrite(line)),
        ...passage("Answer", answer(line)));
      card.dataset.id = line.id;
    }
    tellHowFar();
    for (const button of buttons) button.disabled = !line;
  }
  function tellHowFar() {
    const done = lines.filter((line) => line.decision).length;
    find("progress").max = Math.max(lines.length, 1);
    find("progress").value = done;
    let text = `${done} of ${lines.length} reviewed`;
    if (lines.length) text += ` · showing ${place + 1}`;
    else text = "No line fits this choice; choose others below.";
    if (lines.length && done === lines.length) text += " · all done";
    if (said) text += ` · ${said}`;
    find("how-far").textContent = text;
  }
  function trouble(text) {
    find("trouble").textContent = text ?? "";
    find("trouble").hidden = !text;
  }

  // What is done

  function go(step) {
    said = "";
    place = Math.min(Math.max(place + step, 0), Math.max(lines.length - 1, 0));
    show();
    scrollTo(0, 0);
    find("line").focus({ preventScroll: true });
  }
  async function decide(line, decision) {
    const body = JSON.stringify({ ...decision, name: desk.dataset.name, id: line.id, shown: line.shown });
    const headers = { "Content-Type": "application/json" };
    let answered = {};
    try {
      const response = await fetch(desk.dataset.decide, { method: "POST", headers, body });
      answered = await response.json();
    } catch {
      answered = { trouble: "It was not kept: `evolinstruct view` does not answer. Start it again, and decide again." };
    }
    trouble(answered.trouble);
    if (!answered.decision) return false;
    line.decision = answered.decision.decision ? answered.decision : null;
    return true;
  }
  async function decideHere(decision) {
    const line = lines[place], before = line.decision;
    if (!(await decide(line, decision))) return;
    undone.push([line, before]);
    go(1);
  }
  async function undo() {
    const last = undone.pop();
    if (!last) { said = "nothing to undo"; tellHowFar(); return; }
    const [line, before] = last;
    if (!(await decide(line, before ?? { decision: null }))) { undone.push(last); return; }
    go(lines.indexOf(line) - place);
  }

  // Forms

  function closeForms() {
    opening = false;
    for (const form of Object.values(forms)) form.hidden = true;
  }
  function open(form, field) {
    closeForms();
    form.hidden = false;
    field.focus();
    form.scrollIntoView({ block: "nearest" });
  }
  function askWhy() {
    find("reason").value = lines[place].decision?.reason ?? "";
    open(forms.why, find("reason"));
  }
  function edit() {
    const line = lines[place], edited = line.decision?.decision === "edited" ? line.decision : line;
    find("instruction").value = edited.instruction;
    find("output").value = edited.output ?? "";
    find("anew").checked = edited !== line && edited.output === null;
    find("output").disabled = find("anew").checked;
    open(forms.edit, find("instruction"));
  }
  function leave() {
    closeForms();
    find("line").focus();
  }
  function save() {
    const output = find("anew").checked ? null : find("output").value;
    return decideHere({ decision: "edited", instruction: find("instruction").value, output });
  }
  function reject() {
    return decideHere({ decision: "rejected", reason: find("reason").value });
  }

  // Keys and buttons: one after the other

  const actions = {
    accept: () => decideHere({ decision: "accepted" }),
    reject: askWhy, edit, undo, cancel: leave,
    next: () => go(1), previous: () => go(-1), search: () => find("search").focus(),
  };
  const keys = { a: "accept", r: "reject", e: "edit", u: "undo", j: "next", k: "previous", "/": "search" };
  let under_way = Promise.resolve();
  function act(action) {
    // What is typed before a form is open is no command: it belongs into the form.
    if (opening) return;
    opening = action === "reject" || action === "edit";
    under_way = under_way.then(() => {
      if (ready && (lines.length || action === "search")) return actions[action]();
      opening = false;
    });
  }
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    const leaves = event.key === "Escape" || (event.key === "Enter" && event.target === find("search"));
    if (leaves && typing) { event.preventDefault(); act("cancel"); return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !forms.edit.hidden) {
      event.preventDefault();
      forms.edit.requestSubmit();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    act(keys[event.key]);
  });
  desk.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (action) act(action);
  });
  function submits(form, work) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      under_way = under_way.then(work);
    });
  }
  submits(forms.why, reject);
  submits(forms.edit, save);
  find("anew").addEventListener("change", () => { find("output").disabled = find("anew").checked; });

  // The lines

  let all = [];
  find("search").addEventListener("input", () => {
    const wanted = find("search").value.toLowerCase();
    lines = all.filter((line) =>
      [line.id, line.about, line.parent, line.instruction, line.output ?? ""].some((text) => text.toLowerCase().includes(wanted)));
    place = 0;
    show();
  });
  async function read() {
    const answered = await (await fetch(desk.dataset.lines)).json();
    trouble(answered.trouble);
    return answered.lines ?? [];
  }
  async function begin() {
    all = lines = await read();
    place = Math.max(lines.findIndex((line) => !line.decision), 0);
    ready = true;
    desk.dataset.ready = "";
    show();
  }
  // Another tab may have decided meanwhile.
  addEventListener("focus", () => {
    if (!ready) return;
    under_way = under_way.then(async () => {
      if (Object.values(forms).some((form) => !form.hidden)) return;
      const now = await (await fetch(desk.dataset.decisions)).json();
      for (const line of all) {
        const found = now[line.id];
        line.decision = found && line.digests.includes(found.text_digest) ? found : null;
      }
      show();
    }).catch(() => {}); // what cannot be asked now is asked at the next look
  });
  begin().catch(() => trouble("The lines could not be read: `evolinstruct view` does not answer."));
})();
