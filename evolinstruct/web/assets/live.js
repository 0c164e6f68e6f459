// Puts the parts of the page in place as they are sent. Every text in them was escaped by the server.
"use strict";
(() => {
  const connection = document.getElementById("connection");
  const title = document.title;
  let events = null;

  function put(parts) {
    for (const [name, part] of Object.entries(parts)) {
      const place = document.getElementById(name);
      const focused = place.contains(document.activeElement)
        ? document.activeElement.getAttribute("href") : null;
      place.innerHTML = part;
      if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
    const bar = document.querySelector("progress");
    document.title = bar ? `${Math.floor(100 * bar.position)}% – ${title}` : title;
  }

  function listen() {
    events?.close();
    events = new EventSource(connection.dataset.events);
    events.addEventListener("open", () => { connection.textContent = ""; });
    events.addEventListener("error", () => {
      connection.textContent = "The page is not up to date: `evolinstruct view` does not answer.";
    });
    events.addEventListener("message", (event) => put(JSON.parse(event.data)));
  }

  // A browser keeps few connections to one server: a page that nobody sees gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) events.close();
    else listen();
  });
  listen();
})();
