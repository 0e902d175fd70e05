// Single keys as commands. They do nothing while the user types, and can be turned off.

import { at } from "./dom.js";

const STORED = "pricetime keys";

/** `commands`: a function for each key. */
export function listen(commands) {
  const on = at("keys-on");
  on.checked = localStorage.getItem(STORED) !== "off";
  on.addEventListener("change", () => localStorage.setItem(STORED, on.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && event.target.closest("form")) event.target.blur();
    if (typing || !on.checked || event.ctrlKey || event.altKey || event.metaKey) return;
    if (Object.hasOwn(commands, event.key)) {
      event.preventDefault();
      commands[event.key]();
    }
  });
}
