// What every page has: the theme.
"use strict";
(() => {
  const themes = ["auto", "light", "dark"];
  const button = document.getElementById("theme");
  function remembered() {
    try { return localStorage.getItem("theme"); } catch { return null; }
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
