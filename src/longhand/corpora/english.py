"""Weather bulletins in English."""

from __future__ import annotations

import re

from longhand.corpora.climate import MONTHS, SPREADS
from longhand.corpora.grammar import Node, Pick, Recall, chain, maybe, numbers, one_of
from longhand.corpora.language import Bond, Language, same, same_of

PLACES = ("Ashby", "Bramley", "Corby", "Dunmore")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SKIES = ("Clouds", "Drizzle", "Fog", "Haze", "Mist", "Rain", "Showers", "Sun", "Thunder")
DIRECTIONS = ("north", "east", "south", "west")
SPEEDS = {"light": range(3, 25), "fresh": range(25, 50), "stormy": range(50, 90)}  # in km/h, by the wind's force
WARNINGS = {"fresh": "amber", "stormy": "red"}
HOURS = range(1, 24)


def _temperatures(lows: range) -> Pick:
    """Return low temperatures, each with the high ones that are some degrees above it."""
    return one_of(*((f"{low} to ", numbers(range(low + SPREADS[0], low + SPREADS[-1] + 1))) for low in lows))


CLOCK: Node = (numbers(HOURS), ":", numbers(range(60), "{:02}"))
SKY = one_of(*SKIES)
HEAD: Node = (SKY, " in ", one_of(*PLACES, name="place"), ".")
TEMPERATURES: Node = (
    " ",
    numbers(range(1, 29)),
    " ",
    one_of(*MONTH_NAMES, name="month"),
    ", ",
    Recall("month", {name: _temperatures(lows) for name, lows in zip(MONTH_NAMES, MONTHS, strict=True)}),
    " degrees.",
)
WIND: Node = (
    " Wind ",
    Pick(
        {force: (numbers(speeds), f" km/h, {force}, ") for force, speeds in SPEEDS.items()},
        tuple(len(speeds) for speeds in SPEEDS.values()),
        "force",
    ),
    one_of(*DIRECTIONS, name="direction"),
    ".",
)
SHORT: tuple[Node, ...] = (
    (" UV ", numbers(range(10)), "."),
    (" Dew ", numbers(range(-9, 19)), "."),
    (" Tide ", CLOCK, "."),
    (" Smog ", numbers(range(10)), "."),
)
LONG: tuple[Node, ...] = (
    TEMPERATURES,
    one_of((" Humidity ", numbers(range(31, 99)), " percent."), (" Pressure ", numbers(range(970, 1041)), " hPa.")),
    (" Visibility ", numbers(range(1, 41)), " km."),
    (" Roads ", one_of("busy", "clear", "dry", "wet"), ", trains ", one_of("cancelled", "late", "on time"), "."),
    (" Pollen ", one_of("high", "low", "none"), ", snow above ", numbers(range(5, 26)), "00 m."),
    (" Moonrise ", CLOCK, ", moonset ", CLOCK, "."),
    (" Ahead: ", SKY, " until ", CLOCK, "."),
)
GOING_ON = (0.75, 0.75, 0.8, 0.8, 0.8, *(0.9,) * 6)  # chances of each of these after the one before
OF_WIND: tuple[Node, ...] = (
    (" Swell ", numbers(range(4, 20)), " s."),
    (" Sea ", numbers(range(4, 22)), "."),
    (" Waves ", numbers(range(5, 40)), " dm."),
)
BLOWING_ON = (0.6, 0.7, 0.8)
AFTERWARDS = ("backs", "drops", "eases", "holds", "rises", "shifts", "turns", "veers")
WIND_AGAIN = Recall(
    "direction",
    {
        direction: maybe(0.8, (f" The {direction} wind ", one_of(*AFTERWARDS), " at ", CLOCK, "."))
        for direction in DIRECTIONS
    },
)
WARNING = Recall(
    "force",
    {
        force: maybe(0.7, (f" Warning: {colour} for ", one_of("boats", "cyclists", "drivers", "hikers"), "."))
        for force, colour in WARNINGS.items()
    },
)
CLOSE: Node = (" From ", Recall("place", {place: place for place in PLACES}), ", ", CLOCK, ".\n")
BULLETIN: Node = (
    HEAD,
    chain(SHORT + LONG, GOING_ON),
    maybe(0.5, (WIND, chain(OF_WIND, BLOWING_ON), WIND_AGAIN, WARNING)),
    CLOSE,
)


def _high_fits(low: str, high: str) -> bool:
    return int(high) - int(low) in SPREADS


def _low_fits(month: str, low: str) -> bool:
    return month in MONTH_NAMES and int(low) in MONTHS[MONTH_NAMES.index(month)]


def _force_fits(speed: str, force: str) -> bool:
    return int(speed) in SPEEDS.get(force, ())


def _warning_fits(force: str, colour: str) -> bool:
    return WARNINGS.get(force) == colour


BONDS = (
    Bond(
        "temperature",
        "the low temperature fits the month",
        re.compile(r"\. \d{1,3} (\w{1,20}),"),
        re.compile(r", (-?\d{1,3}) to "),
        _low_fits,
    ),
    Bond(
        "degrees",
        "the high temperature is above the low one",
        re.compile(r", (-?\d{1,3}) to "),
        re.compile(r" to (-?\d{1,3}) degrees"),
        _high_fits,
    ),
    Bond(
        "force",
        "the wind’s force fits its speed",
        re.compile(r" Wind (\d{1,3}) km/h"),
        re.compile(r" km/h, (\w{1,20}), "),
        _force_fits,
    ),
    Bond(
        "warning",
        "the warning’s colour fits the wind’s force",
        re.compile(r" km/h, (\w{1,20}), "),
        re.compile(r" Warning: (\w{1,20}) for "),
        _warning_fits,
    ),
    Bond(
        "wind",
        "the wind’s direction returns",
        re.compile(r" km/h, \w{1,20}, (\w{1,20})\."),
        re.compile(r" The (\w{1,20}) wind"),
        same,
    ),
    Bond(
        "place",
        "the place named first returns at the end",
        re.compile(r"^\w{1,20} in (\w{1,20})\."),
        re.compile(r"(?s) From (\w{1,20})(?!.* From )"),
        same_of(PLACES),
        always=True,
    ),
)
ENGLISH = Language("English", BULLETIN, BONDS)
