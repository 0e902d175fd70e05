// The list of instruments, and the price of the chosen one in the header.

import { at, row, say } from "./dom.js";
import { number } from "./format.js";
import { shortPhase } from "./phase.js";

export class Instruments {
  /** `choose(instrument)` is called if the user chooses one. */
  constructor(choose) {
    this.choose = choose;
  }

  /** `hello`: the first message of the server. `prices`: of each instrument. */
  begin(hello, prices) {
    this.prices = prices;
    at("markets").replaceChildren(...hello.instruments.map((one) => this.row(one)));
    at("unlisted").hidden = !hello.unlisted;
    say(at("unlisted"), `and ${number(hello.unlisted)} more that are not shown`);
  }

  row(one) {
    const made = row(4, true);
    made.cells[0].scope = "row";
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "instrument", value: one.id });
    radio.addEventListener("change", () => this.choose(one.id));
    const phase = Object.assign(document.createElement("span"), { className: "in-phase" });
    label.append(radio, one.symbol, " ", phase);
    made.cells[0].append(label);
    return made;
  }

  /** Mark the instrument that is shown. */
  mark(instrument, symbol) {
    const radio = document.querySelector(`input[name="instrument"][value="${instrument}"]`);
    if (radio) radio.checked = true;
    say(at("symbol"), symbol);
    this.symbol = symbol;
  }

  /** `list`: a row for each instrument; `chosen`: the one that is shown. */
  show(list, chosen) {
    list.forEach((one, i) => {
      const made = at("markets").rows[i];
      const prices = this.prices.get(one.id);
      say(made.querySelector(".in-phase"), shortPhase(one.phase));
      ["bid", "ask", "last"].forEach((name, j) => say(made.cells[j + 1], prices.text(one[name])));
      made.cells[3].className = one.side ?? "";
      if (one.id === chosen) this.quote(one, prices);
    });
  }

  quote({ bid, ask, last, side, phase, indicative }, prices) {
    say(at("last"), last === null ? "" : prices.text(last));
    at("last").className = `last ${side ?? ""}`;
    const quotes = `${prices.text(bid)} / ${prices.text(ask)}`;
    const touch = indicative === null ? quotes : `${shortPhase(phase)}, indicative ${prices.text(indicative)}`;
    say(at("touch"), touch);
    const title = `${this.symbol} ${touch}`;
    if (document.title !== title) document.title = title;
  }
}
