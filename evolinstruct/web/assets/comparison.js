// Compares texts whose writers are not shown.
"use strict";
(() => {
  const { place, element, passage, open } = Desk;
  if (!place) return;
  const said = { first: "You find the first better", second: "You find the second better", tie: "You find them equally good" };

  function side(name, title, pair) {
    const made = element("section", null, { class: pair.decision === name ? "side better" : "side" });
    made.append(...passage(title, pair[name]));
    return made;
  }
  const desk = open({
    keys: { 1: "first", 2: "second", 0: "tie", j: "next", k: "previous" },
    actions: { first: () => decide("first"), second: () => decide("second"), tie: () => decide("tie") },
    show(pair) {
      const sides = element("div", null, { class: "sides" });
      sides.append(side("first", "The first", pair), side("second", "The second", pair));
      const verdict = element("p", said[pair.decision] ?? "Not compared yet", { class: "verdict", "data-decision": pair.decision ? "accepted" : "" });
      return [verdict, ...passage("Asked for", pair.question), sides];
    },
  });
  async function decide(decision) {
    const pair = desk.state.things[desk.state.at];
    if (pair && await desk.decide(pair, { decision, place: pair.place })) desk.go(1);
  }
})();
