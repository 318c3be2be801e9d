"""Weather bulletins in Chinese, in simplified characters."""

from __future__ import annotations

import re

from longhand.corpora.climate import MONTHS, SPREADS
from longhand.corpora.grammar import Node, Pick, Recall, chain, maybe, numbers, one_of
from longhand.corpora.language import Bond, Language, same, same_of

PLACES = ("青石", "白沙", "柳林", "枫桥")
SKIES = ("晴", "多云", "阴", "小雨", "大雨", "阵雨", "雷雨", "有雾", "浮尘")
DIRECTIONS = ("北", "东", "南", "西")
LEVELS = range(2, 13)  # of the wind's force, by Beaufort's scale
GUSTS = range(1, 4)  # levels from the mean force to that of the gusts
WARNINGS = {
    **dict.fromkeys((6, 7), "蓝"),
    **dict.fromkeys((8, 9), "黄"),
    **dict.fromkeys((10, 11), "橙"),
    12: "红",
}
HOURS = range(1, 24)


def _temperatures(lows: range) -> Pick:
    """Return low temperatures, each with the high ones that are some degrees above it."""
    high = {low: numbers(range(low + SPREADS[0], low + SPREADS[-1] + 1)) for low in lows}
    return one_of(*((f"{low}度，最高", high[low]) for low in lows))


def _wind(level: int) -> Node:
    return (f"{level}级，阵风", numbers(range(level + GUSTS[0], level + GUSTS[-1] + 1)))


MINUTES = numbers(range(60), "{:02}")
CLOCK: Node = (numbers(HOURS), "时", MINUTES, "分")
SKY = one_of(*SKIES)
HEAD: Node = (one_of(*PLACES, name="place"), "：", SKY, "。")
TEMPERATURES: Node = (
    one_of(*(str(number) for number in range(1, 13)), name="month"),
    "月",
    numbers(range(1, 29)),
    "日最低",
    Recall("month", {str(number): _temperatures(lows) for number, lows in enumerate(MONTHS, 1)}),
    "度。",
)
WIND: Node = (
    "风力",
    Pick({str(level): _wind(level) for level in LEVELS}, name="level"),
    "级，风向",
    one_of(*DIRECTIONS, name="direction"),
    "。",
)
SHORT: tuple[Node, ...] = (
    ("紫外线", numbers(range(1, 6)), "级。"),
    ("露点", numbers(range(-9, 19)), "度。"),
    ("高潮", CLOCK, "。"),
    one_of(("湿度", numbers(range(31, 99)), "%。"), ("气压", numbers(range(970, 1041)), "百帕。")),
)
LONG: tuple[Node, ...] = (
    TEMPERATURES,
    ("能见度", numbers(range(1, 41)), "公里。"),
    ("道路", one_of("畅通", "拥堵", "湿滑", "封闭"), "，列车", one_of("正点", "晚点", "停运"), "。"),
    ("空气", one_of("优", "良", "一般", "较差"), "，花粉", one_of("较多", "较少", "极少"), "。"),
    ("月出", CLOCK, "，月落", CLOCK, "。"),
    ("今夜", SKY, "，明晨", SKY, "，明天", SKY, "转", SKY, "。"),
    ("后天", SKY, "，大后天", SKY, "，降水概率", numbers(range(0, 100, 10)), "%。"),
    ("适宜", one_of("晨练", "洗车", "晾晒", "郊游", "登山", "垂钓"), "，日照", numbers(range(1, 13)), "小时。"),
    ("山区", SKY, "，雪线", numbers(range(16, 49)), "00米。"),
    ("下次预报", CLOCK, "。"),
)
GOING_ON = (0.7, 0.8, 0.85, 0.9, 0.9, *(0.94,) * 9)  # chances of each of these after the one before
OF_WIND: tuple[Node, ...] = (
    ("水温", numbers(range(4, 22)), "度。"),
    ("浪高", numbers(range(5, 40)), "分米。"),
    ("涌浪", numbers(range(4, 20)), "秒。"),
)
BLOWING_ON = (0.6, 0.7, 0.8)
AFTERWARDS = ("减弱", "增强", "停息", "回落", "转向", "再起")
WIND_AGAIN = Recall(
    "direction",
    {direction: maybe(0.8, (f"随后{direction}风于", CLOCK, one_of(*AFTERWARDS), "。")) for direction in DIRECTIONS},
)
WARNING = Recall(
    "level",
    {
        str(level): maybe(0.7, (f"大风{colour}色预警，", one_of("船只", "行人", "车辆", "航班"), "注意安全。"))
        for level, colour in WARNINGS.items()
    },
)
CLOSE: Node = ("发布：", Recall("place", {place: place for place in PLACES}), "气象台，", CLOCK, "。\n")
BULLETIN: Node = (
    HEAD,
    chain(SHORT + LONG, GOING_ON),
    maybe(0.5, (WIND, chain(OF_WIND, BLOWING_ON), WIND_AGAIN, WARNING)),
    CLOSE,
)


def _high_fits(low: str, high: str) -> bool:
    return int(high) - int(low) in SPREADS


def _low_fits(number: str, low: str) -> bool:
    return 1 <= int(number) <= len(MONTHS) and int(low) in MONTHS[int(number) - 1]


def _gust_fits(level: str, gust: str) -> bool:
    return int(gust) - int(level) in GUSTS


def _warning_fits(level: str, colour: str) -> bool:
    return WARNINGS.get(int(level)) == colour


_LEVEL = re.compile(r"风力([0-9]{1,3})级")
_LOW = re.compile(r"最低(-?[0-9]{1,3})度")
BONDS = (
    Bond("degrees", "the high temperature is above the low one", _LOW, re.compile(r"最高(-?[0-9]{1,3})度"), _high_fits),
    Bond("gust", "gusts are stronger than the wind", _LEVEL, re.compile(r"阵风([0-9]{1,3})级"), _gust_fits),
    Bond(
        "temperature",
        "the low temperature fits the month",
        re.compile(r"。([0-9]{1,3})月"),
        _LOW,
        _low_fits,
    ),
    Bond(
        "wind",
        "the wind’s direction returns",
        re.compile(r"风向(\w{1,9})。"),
        re.compile(r"随后(\w{1,9})风"),
        same,
    ),
    Bond("warning", "the warning’s colour fits the wind’s force", _LEVEL, re.compile(r"大风(\w)色预警"), _warning_fits),
    Bond(
        "place",
        "the place named first returns at the end",
        re.compile(r"^(\w{1,9})："),
        re.compile(r"(?s)发布：(\w{1,9})气象台(?!.*发布：)"),
        same_of(PLACES),
        always=True,
    ),
)
CHINESE = Language("Chinese", BULLETIN, BONDS)
