// A desk: things are decided about by keys. Whatever is done waits for what was done before: a decision
// is kept, and then the next thing is shown. Texts are set as text, never as markup.
"use strict";
const Desk = (() => {
  const place = document.getElementById("desk");
  const find = (id) => document.getElementById(id);

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
  function trouble(text) {
    find("trouble").textContent = text ?? "";
    find("trouble").hidden = !text;
  }
  async function ask(address, posted) {
    const headers = { "Content-Type": "application/json" };
    const how = posted && { method: "POST", headers, body: JSON.stringify(posted) };
    try {
      return await (await fetch(address, how)).json();
    } catch {
      const said = posted ? "It was not kept" : "It cannot be read";
      return { trouble: `${said}: \`evolinstruct view\` does not answer. Start it again.` };
    }
  }

  // `show` fills the thing, `decided` makes a decision of what was answered.
  function open({ keys, actions, show, decided = (decision) => decision, busy = () => false }) {
    const buttons = [...place.querySelectorAll(".keys button")];
    const state = { all: [], things: [], at: 0, said: "", ready: false };
    let under_way = Promise.resolve();

    function redraw() {
      const thing = state.things[state.at];
      find("thing").replaceChildren(...(thing ? show(thing) : []));
      for (const button of buttons) button.disabled = !thing;
      tellHowFar();
    }
    function tellHowFar() {
      const { things, at, said } = state, whole = things.length;
      const done = things.filter((thing) => thing.decision).length;
      find("progress").max = Math.max(whole, 1);
      find("progress").value = done;
      const parts = whole ? [`${done} of ${whole} decided`, `showing ${at + 1}`] : ["Nothing fits; choose others."];
      if (whole && done === whole) parts.push("all done");
      if (said) parts.push(said);
      find("how-far").textContent = parts.join(" · ");
    }
    function go(step) {
      state.said = "";
      state.at = Math.min(Math.max(state.at + step, 0), Math.max(state.things.length - 1, 0));
      redraw();
      scrollTo(0, 0);
      find("thing").focus({ preventScroll: true });
    }
    function say(text) {
      state.said = text;
      tellHowFar();
    }
    async function decide(thing, decision) {
      const answered = await ask(place.dataset.decide, { ...decision, name: place.dataset.name, shown: thing.shown });
      trouble(answered.trouble);
      if (answered.trouble) return false;
      thing.decision = decided(answered.decision);
      return true;
    }
    function then(work) {
      under_way = under_way.then(work);
    }
    const all = { next: () => go(1), previous: () => go(-1), ...actions };
    function act(name) {
      then(() => state.ready && all[name]());
    }
    addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, textarea, select");
      if (typing || busy() || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
      event.preventDefault();
      act(keys[event.key]);
    });
    document.addEventListener("click", (event) => {
      const name = event.target.closest("[data-action]")?.dataset.action;
      if (name) act(name);
    });
    then(async () => {
      const answered = await ask(place.dataset.things);
      trouble(answered.trouble);
      state.all = state.things = answered.things ?? [];
      state.at = Math.max(state.things.findIndex((thing) => !thing.decision), 0);
      state.ready = true;
      redraw();
      place.dataset.ready = "";
    });
    return { state, go, say, decide, then, act, redraw };
  }
  return { place, find, element, passage, ask, open };
})();
