// Reviews lines: accepts, rejects with a reason, edits, takes back.
"use strict";
(() => {
  const { place, find, element, passage, ask, open } = Desk;
  if (!place) return;
  const forms = { why: find("why"), edit: find("edit") };
  const undone = [];
  let opening = false;

  // What is shown

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
  function show(line) {
    closeForms();
    find("thing").dataset.id = line.id;
    const why = line.rejected ? [element("p", line.rejected, { class: "why", dir: "auto" })] : [];
    return [verdict(line), element("p", line.about, { class: "about" }), ...why,
      ...passage("Before", line.parent), ...passage("Evolved", ...rewrite(line)), ...passage("Answer", answer(line))];
  }

  // What is done

  const desk = open({
    keys: { a: "accept", r: "reject", e: "edit", u: "undo", j: "next", k: "previous", "/": "search" },
    actions: {
      accept: () => decide({ decision: "accepted" }),
      reject: askWhy, edit, undo, cancel: leave, search: () => find("search").focus(),
    },
    show,
    decided: (decision) => decision.decision ? decision : null,
    // What is typed before a form is open is no command: it belongs into the form.
    busy: () => opening,
  });
  function here() {
    return desk.state.things[desk.state.at];
  }
  async function decide(decision) {
    const line = here(), before = line?.decision;
    if (!line || !(await desk.decide(line, { ...decision, id: line.id }))) return;
    undone.push([line, before]);
    desk.go(1);
  }
  async function undo() {
    const last = undone.pop();
    if (!last) { desk.say("nothing to undo"); return; }
    const [line, before] = last;
    if (await desk.decide(line, { ...(before ?? { decision: null }), id: line.id })) {
      desk.go(desk.state.things.indexOf(line) - desk.state.at);
    } else undone.push(last);
  }

  // Forms

  function closeForms() {
    opening = false;
    for (const form of Object.values(forms)) form.hidden = true;
  }
  function openForm(form, field) {
    closeForms();
    form.hidden = false;
    field.focus();
    form.scrollIntoView({ block: "nearest" });
  }
  function askWhy() {
    if (!here()) return;
    find("reason").value = here().decision?.reason ?? "";
    openForm(forms.why, find("reason"));
  }
  function edit() {
    const line = here();
    if (!line) return;
    const edited = line.decision?.decision === "edited" ? line.decision : line;
    find("instruction").value = edited.instruction;
    find("output").value = edited.output ?? "";
    find("anew").checked = edited !== line && edited.output === null;
    find("output").disabled = find("anew").checked;
    openForm(forms.edit, find("instruction"));
  }
  function leave() {
    closeForms();
    find("thing").focus();
  }
  function submits(form, decision) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      desk.then(() => decide(decision()));
    });
  }
  submits(forms.why, () => ({ decision: "rejected", reason: find("reason").value }));
  submits(forms.edit, () => ({
    decision: "edited", instruction: find("instruction").value,
    output: find("anew").checked ? null : find("output").value,
  }));
  find("anew").addEventListener("change", () => { find("output").disabled = find("anew").checked; });
  addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (typing && (event.key === "Escape" || (event.key === "Enter" && typing === find("search")))) {
      event.preventDefault();
      desk.act("cancel");
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !forms.edit.hidden) {
      event.preventDefault();
      forms.edit.requestSubmit();
    } else if (!typing && (event.key === "r" || event.key === "e") && here()) {
      opening = true;
    }
  });

  // Which lines

  find("search").addEventListener("input", () => {
    const wanted = find("search").value.toLowerCase();
    const texts = (line) => [line.id, line.about, line.parent, line.instruction, line.output ?? ""];
    desk.state.things = desk.state.all.filter((line) => texts(line).some((text) => text.toLowerCase().includes(wanted)));
    desk.state.at = 0;
    desk.redraw();
  });
  // Another tab may have decided meanwhile.
  addEventListener("focus", () => desk.then(async () => {
    if (!desk.state.ready || Object.values(forms).some((form) => !form.hidden)) return;
    const now = await ask(place.dataset.decisions);
    if (now.trouble) return;
    for (const line of desk.state.all) {
      const found = now[line.id];
      line.decision = found && line.digests.includes(found.text_digest) ? found : null;
    }
    desk.redraw();
  }));
})();
