// Everything that is only looked at: instruments, ladder, tape, charts, latency, sessions.

import { Chart } from "./chart.js";
import { at, fill, row, rows, say } from "./dom.js";
import { duration, half, middle, NONE, number, rough, time } from "./format.js";

const INTERVALS = { match: "match", tick_to_trade: "tick to trade", round_trip: "round trip" };
const LATENCIES = ["p50", "p99", "p99.9", "max"];
const MOST_POINTS = 1200;

export class MarketView {
  /** `choose(instrument)` and `take(price, side)` are called when somebody clicks. */
  constructor(choose, take) {
    this.choose = choose;
    this.mid = new Chart(at("mid"), ["--ink"], half);
    this.depth = new Chart(at("depth"), ["--bid", "--ask"], rough, 0);
    this.points = [];
    for (const side of ["bids", "asks"]) {
      at(side).addEventListener("click", (event) => {
        const price = event.target.closest("tr")?.dataset.price;
        if (price) take(price, side === "bids" ? "ask" : "bid");
      });
    }
  }

  /** The instruments, when the page has met its server. */
  begin(hello) {
    this.instruments = new Map(hello.instruments.map((one) => [one.id, one]));
    this.levels = hello.levels;
    at("markets").replaceChildren(...hello.instruments.map((one) => this.marketRow(one)));
    for (const side of ["bids", "asks"]) {
      at(side).replaceChildren(...Array.from({ length: hello.levels }, () => row(3)));
    }
    at("unlisted").hidden = !hello.unlisted;
    say(at("unlisted"), `and ${number(hello.unlisted)} more, which are not shown`);
    say(at("version"), `pricetime ${hello.version}`);
  }

  marketRow(one) {
    const made = row(4, true);
    made.cells[0].scope = "row";
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "instrument", value: one.id });
    radio.addEventListener("change", () => this.choose(one.id));
    const state = Object.assign(document.createElement("span"), { className: "halted" });
    label.append(radio, one.symbol, " ", state);
    made.cells[0].append(label);
    return made;
  }

  /** Another instrument is shown from now on. */
  look(instrument) {
    this.instrument = instrument;
    this.points = [];
    this.newest = null; // of the tape: it is shown anew
    const radio = document.querySelector(`input[name="instrument"][value="${instrument}"]`);
    if (radio) radio.checked = true;
    say(at("symbol"), this.instruments.get(instrument).symbol);
  }

  history(message) {
    if (message.instrument === this.instrument) this.points = message.points.map(point);
  }

  /** A frame has come; it may be shown later, or never. */
  note(frame) {
    if (frame.book.instrument !== this.instrument) return;
    const own = frame.instruments.find((one) => one.id === this.instrument);
    const { bids, asks } = frame.book;
    const total = (levels) => levels.reduce((sum, level) => sum + Number(level[1]), 0);
    this.points.push(point([frame.at, own.bid, own.ask, total(bids), total(asks)]));
    if (this.points.length > MOST_POINTS) this.points.splice(0, this.points.length - MOST_POINTS);
  }

  show(frame, mine) {
    this.showMarkets(frame.instruments);
    this.showCounts(frame);
    if (frame.book.instrument !== this.instrument) return;
    this.showBook(frame.book, mine);
    this.showTape(frame.book.tape, frame.skipped);
    this.showCharts(frame.at);
  }

  showMarkets(markets) {
    markets.forEach((one, i) => {
      const made = at("markets").rows[i];
      say(made.querySelector(".halted"), one.state === "open" ? "" : one.state);
      ["bid", "ask", "last"].forEach((name, j) => say(made.cells[j + 1], number(one[name])));
      made.cells[3].className = one.side ?? "";
    });
  }

  showBook({ bids, asks }, mine) {
    const most = Math.max(1, ...[...bids, ...asks].map((level) => Number(level[1])));
    const show = (body, levels, place) => {
      for (let i = 0; i < this.levels; i++) {
        const made = body.rows[place(i)];
        const [price, quantity, count] = levels[i] ?? [null, null, null];
        fill(made, price === null ? ["", "", ""] : [number(count), number(quantity), number(price)]);
        made.dataset.price = price ?? "";
        made.classList.toggle("mine", price !== null && mine.has(String(price)));
        made.style.setProperty("--share", `${Math.round((100 * Number(quantity ?? 0)) / most)}%`);
      }
    };
    show(at("bids"), bids, (i) => i);
    show(at("asks"), asks, (i) => this.levels - 1 - i);
    const both = bids.length > 0 && asks.length > 0;
    const spread = both ? Number(asks[0][0]) - Number(bids[0][0]) : null;
    say(at("spread"), both ? `spread ${number(spread)}` : "no two sides");
    const [bid, ask] = [bids[0]?.[0] ?? null, asks[0]?.[0] ?? null];
    say(at("touch"), `${number(bid)} / ${number(ask)}`);
    const title = `${this.instruments.get(this.instrument).symbol} ${number(bid)} / ${number(ask)}`;
    if (document.title !== title) document.title = title;
  }

  showTape(tape, skipped) {
    const newest = tape[0]?.[0];
    const before = this.newest;
    if (newest !== before) {
      rows(at("tape"), tape, 4, (made, [sequence, price, quantity, side, ms]) => {
        fill(made, [time(ms), side === "bid" ? "bought" : "sold", number(quantity), number(price)]);
        made.className = before && Number(sequence) > Number(before) ? "new" : "";
        made.cells[1].className = made.cells[3].className = side;
      });
      this.newest = newest;
    }
    at("no-trades").hidden = tape.length > 0;
    say(at("skipped"), skipped ? `quick market: ${rough(skipped)} reports passed unseen` : "");
  }

  showCharts(now) {
    this.mid.draw(this.points.map((p) => [p.ms, p.mid]), now);
    this.depth.draw(this.points.map((p) => [p.ms, p.bids, p.asks]), now);
    const last = this.points.at(-1);
    say(at("mid-now"), last ? half(last.mid) : NONE);
    say(at("depth-now"), last ? `${rough(last.bids)} / ${rough(last.asks)}` : NONE);
    if (now - (this.described ?? 0) > 5000) this.describe(now, last);
  }

  /** For those who do not see the charts: not at every frame. */
  describe(now, last) {
    this.described = now;
    const mids = this.points.map((p) => p.mid).filter((mid) => mid !== null);
    if (!mids.length) return;
    const [low, high] = [Math.min(...mids), Math.max(...mids)];
    at("mid").setAttribute(
      "aria-label",
      `mid price: now ${half(last.mid)}, in the last two minutes from ${half(low)} to ${half(high)}`,
    );
    at("depth").setAttribute("aria-label", `depth: bids ${rough(last.bids)}, asks ${rough(last.asks)}`);
  }

  showCounts({ rates, counts, latency, sessions, pages, sequence }) {
    say(at("commands-per-s"), rough(rates.commands_per_s));
    say(at("reports-per-s"), rough(rates.reports_per_s));
    say(at("pages"), number(pages));
    say(at("sequence"), number(sequence));
    rows(at("latency"), latency, 5, (made, one) => {
      const name = INTERVALS[one.interval] ?? one.interval;
      fill(made, [one.kind === "all" ? name : `${name}, ${one.kind}`, ...LATENCIES.map((p) => duration(one[p]))]);
    });
    say(at("session-count"), number(sessions.count));
    rows(at("sessions"), sessions.newest, 3, (made, one) => {
      fill(made, [String(one.owner), one.name || NONE, time(one.since)]);
    });
  }
}

function point([ms, bid, ask, bids, asks]) {
  return { ms, mid: middle(bid, ask), bids: Number(bids), asks: Number(asks) };
}
