"""Who makes room for whom."""

from pricetime.exchange.control.places import Places


def filled(places: Places[str], *entered: str) -> Places[str]:
    """``a1`` is a connection from address ``a``."""
    for name in entered:
        places.enter(name, name[0])
    return places


def test_with_room_no_connection_is_displaced() -> None:
    places = filled(Places(3), "a1", "a2")
    assert places.displaced_by("a") is places.displaced_by("b") is None
    assert len(places) == 2
    assert list(places) == ["a1", "a2"]
    assert "a1" in places
    assert "b1" not in places


def test_the_idlest_of_the_busiest_address_goes() -> None:
    places = filled(Places(4), "b1", "a1", "a2", "a3")
    assert places.displaced_by("b") == "a1"
    places.touch("a1")
    assert places.displaced_by("b") == places.displaced_by("c") == places.idlest() == "a2"
    places.leave("a2")
    assert places.displaced_by("b") is None


def test_an_address_that_has_all_its_places_makes_room_itself() -> None:
    places = filled(Places(10, per_address=2), "a1", "b1", "b2", "a2")
    assert places.displaced_by("b") == "b1"
    assert places.displaced_by("a") == "a1"
    assert places.displaced_by("c") is None
    assert Places(2, per_address=5).per_address == 2


def test_who_has_no_place_can_do_nothing_wrong() -> None:
    places: Places[str] = Places(2)
    places.touch("a1")
    places.leave("a1")
    assert places.idlest() is None
    filled(places, "a1")
    places.leave("a1")
    places.leave("a1")
    assert len(places) == 0
    assert places.idlest() is None
