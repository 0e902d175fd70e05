// The little that is needed to change a page. All text goes in as text: nothing that comes is ever taken for markup.

export const at = (id) => document.getElementById(id);

/** Set text, and touch the page only when it is another. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A row of so many cells. */
export function row(cells, header = false) {
  const made = document.createElement("tr");
  for (let i = 0; i < cells; i++) made.append(document.createElement(header && i === 0 ? "th" : "td"));
  return made;
}

/** Text of the cells of a row, the first ones. */
export function fill(made, texts) {
  texts.forEach((text, i) => say(made.cells[i], text));
}

/** As many rows as there are items; each is filled in its place. */
export function rows(body, items, cells, show) {
  while (body.rows.length > items.length) body.deleteRow(-1);
  while (body.rows.length < items.length) body.append(row(cells));
  items.forEach((item, i) => show(body.rows[i], item));
}
