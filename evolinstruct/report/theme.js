// The theme of a page: as the system has it, light or dark; remembered.
"use strict";
(() => {
  const button = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  function remembered() {
    try { return localStorage.getItem("theme"); } catch { return null; } // a file may have no storage
  }
  function setTheme(name) {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    try { localStorage.setItem("theme", name); } catch { /* it lasts as long as the page */ }
  }
  let theme = themes.includes(remembered()) ? remembered() : "auto";
  setTheme(theme);
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
  });
})();
