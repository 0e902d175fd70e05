from pricetime.cli.auction import auction_text, phase_text
from pricetime.types import Phase, Side


def test_phases_in_words() -> None:
    assert phase_text(Phase.CONTINUOUS) == ""
    assert phase_text(Phase.PRE_OPEN) == "pre-open"
    assert phase_text(Phase.VOLATILITY_AUCTION) == "volatility auction"


def test_auctions_in_words() -> None:
    assert auction_text(None, 0, 0, None, str) == "no indicative price"
    assert auction_text(None, 0, 0, None, str, final=True) == "no auction price"
    assert auction_text(101, 1_200, 3_000, Side.ASK, str) == "indicative 1,200 at 101, surplus 3,000 to sell"
    assert auction_text(101, 1_200, 0, None, str) == "indicative 1,200 at 101"
    assert auction_text(101, 1_200, 5, Side.BID, "{:.2f}".format, final=True) == "auction 1,200 at 101.00"
