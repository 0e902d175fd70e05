// The phase of the instrument that is shown, where its auction would trade, and where the last one has traded.

import { at, say } from "./dom.js";
import { number, time } from "./format.js";

const NAMES = {
  continuous: "",
  halted: "halted",
  closed: "closed",
  pre_open: "pre-open",
  opening_auction: "opening auction",
  volatility_auction: "volatility auction",
  closing_auction: "closing auction",
};

// Names for a narrow column.
const SHORT = { ...NAMES, opening_auction: "opening", volatility_auction: "volatility", closing_auction: "closing" };

const WHY = {
  halted: "Only cancels are accepted.",
  closed: "The market is closed: only cancels are accepted.",
  pre_open: "Orders are collected and do not trade yet.",
  opening_auction: "Orders are collected and will trade together at one price.",
  volatility_auction: "Orders are collected and will trade together at one price.",
  closing_auction: "Orders are collected and will trade together at one price.",
};

const INTERRUPTED = "Volatility interruption: a trade would have been outside the price range. Orders are collected for an auction.";

const SIDES = { bid: "to buy", ask: "to sell" };

/** A phase in few words. */
export function shortPhase(phase) {
  return SHORT[phase] ?? phase;
}

/** `book`: of a frame. */
export function showPhase({ phase, collects, interrupted, indicative, auction }, prices) {
  say(at("phase"), NAMES[phase] ?? phase);
  at("call").hidden = phase === "continuous";
  say(at("call-why"), interrupted === null ? (WHY[phase] ?? "") : `${INTERRUPTED} Since ${time(interrupted)}.`);
  say(at("call-price"), collects ? expected(indicative, prices) : "");
  at("auction").hidden = collects || !auction;
  if (auction) say(at("auction"), traded(auction, prices));
}

/** Where the auction would trade, for the middle of the ladder. */
export function middleOf({ collects, indicative }, prices) {
  if (!collects) return null;
  return indicative?.price == null ? "No indicative price" : `Indicative ${prices.text(indicative.price)}`;
}

function expected(indicative, prices) {
  if (indicative?.price == null) return "No two orders can trade yet.";
  return `Indicative price ${prices.text(indicative.price)}, volume ${number(indicative.quantity)}, ${surplus(indicative)}.`;
}

function surplus({ surplus, side }) {
  return side ? `surplus ${number(surplus)} ${SIDES[side]}` : "no surplus";
}

function traded(auction, prices) {
  const name = NAMES[auction.phase] || "auction";
  const first = name[0].toUpperCase() + name.slice(1);
  if (auction.price === null) return `${first}: no trade`;
  const lots = auction.quantity === null ? "" : `${number(auction.quantity)} `;
  return `${first}: ${lots}traded at ${prices.text(auction.price)}${auction.at === null ? "" : `, ${time(auction.at)}`}`;
}
