// Small helpers for the page. All text is set as text: data is never parsed as markup.

export const at = (id) => document.getElementById(id);

/** Set the text of an element if it changes. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A row with this many cells. */
export function row(cells, header = false) {
  const made = document.createElement("tr");
  for (let i = 0; i < cells; i++) made.append(document.createElement(header && i === 0 ? "th" : "td"));
  return made;
}

/** Set the text of the first cells of a row. */
export function fill(made, texts) {
  texts.forEach((text, i) => say(made.cells[i], text));
}

/** Give a table as many rows as there are items, and let `show(row, item)` fill each. */
export function rows(body, items, cells, show) {
  while (body.rows.length > items.length) body.deleteRow(-1);
  while (body.rows.length < items.length) body.append(row(cells));
  items.forEach((item, i) => show(body.rows[i], item));
}
