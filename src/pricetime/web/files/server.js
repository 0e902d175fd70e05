// What the server tells about itself: rates, latencies and sessions.

import { at, fill, rows, say } from "./dom.js";
import { duration, NONE, number, rough, time } from "./format.js";

// What an interval is measured from and to.
const INTERVALS = { match: "matching alone", tick_to_trade: "order received to reports sent", round_trip: "round trip" };
const LATENCIES = ["p50", "p99", "p99.9", "max"];

// The interval in the header.
const MAIN = "tick_to_trade";

/** `frame`: of the server; `latency`: a row for each interval and kind of command. */
export function showServer({ rates, latency, sessions, pages, sequence }) {
  say(at("commands-per-s"), rough(rates.commands_per_s));
  say(at("reports-per-s"), rough(rates.reports_per_s));
  say(at("pages"), number(pages));
  say(at("sequence"), number(sequence));
  const main = latency.filter((one) => one.interval === MAIN);
  const shown = main.find((one) => one.kind === "all") ?? main.find((one) => one.kind === "trades") ?? main[0];
  for (const name of ["p50", "p99"]) say(at(`latency-${name}`), shown ? duration(shown[name]) : NONE);
  rows(at("latency"), latency, 5, (made, one) => {
    const name = INTERVALS[one.interval] ?? one.interval;
    fill(made, [one.kind === "all" ? name : `${name}: ${one.kind}`, ...LATENCIES.map((p) => duration(one[p]))]);
  });
  say(at("session-count"), number(sessions.count));
  rows(at("sessions"), sessions.newest, 3, (made, one) => {
    fill(made, [String(one.owner), one.name || NONE, time(one.since)]);
  });
}
