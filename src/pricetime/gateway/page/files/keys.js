// Single keys as commands: not while somebody types, and not for those who have turned them off.

import { at } from "./dom.js";

const STORED = "pricetime keys";

/** `does`: what each key does. */
export function listen(does) {
  const on = at("keys-on");
  on.checked = localStorage.getItem(STORED) !== "off";
  on.addEventListener("change", () => localStorage.setItem(STORED, on.checked ? "on" : "off"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=radio]):not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && event.target.closest("form")) event.target.blur();
    if (typing || !on.checked || event.ctrlKey || event.altKey || event.metaKey) return;
    if (Object.hasOwn(does, event.key)) {
      event.preventDefault();
      does[event.key]();
    }
  });
}
