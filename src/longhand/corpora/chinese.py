"""Weather bulletins in Chinese, in simplified characters."""

from __future__ import annotations

import re

from longhand.corpora.climate import MONTHS, SPREADS, Month
from longhand.corpora.grammar import Node, Pick, Recall, chain, maybe, numbers, one_of
from longhand.corpora.language import Bond, Language, same

PLACES = ("青石", "白沙", "柳林", "枫桥", "云溪", "梅岭", "沙河", "金湾")
DAYS = ("一", "二", "三", "四", "五", "六", "日")
SKIES = ("晴", "多云", "阴", "小雨", "中雨", "大雨", "阵雨", "雷雨", "薄雾", "浓雾", "浮尘", "霾")
DIRECTIONS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
LEVELS = range(2, 13)  # of the wind's force, by Beaufort's scale
GUSTS = range(1, 4)  # levels from the mean force to that of the gusts
WARNINGS = {
    **dict.fromkeys((6, 7), "蓝"),
    **dict.fromkeys((8, 9), "黄"),
    **dict.fromkeys((10, 11), "橙"),
    12: "红",
}
HOURS = range(1, 24)


def _temperatures(month: Month) -> Pick:
    """Return low temperatures, each with the high ones that are some degrees above it."""
    high = {low: numbers(range(low + SPREADS[0], low + SPREADS[-1] + 1)) for low in month.lows}
    return one_of(*((f"{low}度，最高", high[low]) for low in month.lows))


def _sun(month: Month) -> Node:
    return (f"{month.sunrise}时", MINUTES, f"分，日落{month.sunset}时", MINUTES)


def _wind(level: int) -> Node:
    return (f"{level}级，阵风", numbers(range(level + GUSTS[0], level + GUSTS[-1] + 1)))


MINUTES = numbers(range(60), "{:02}")
CLOCK: Node = (numbers(HOURS), "时", MINUTES, "分")
SKY = one_of(*SKIES)
HEAD: Node = (
    one_of(*PLACES, name="place"),
    "，",
    one_of(*(str(number) for number in range(1, 13)), name="month"),
    "月",
    numbers(range(1, 29)),
    "日，星期",
    one_of(*DAYS),
    "：",
    SKY,
    "。",
)
TEMPERATURES: Node = (
    "最低气温",
    Recall("month", {str(number): _temperatures(month) for number, month in enumerate(MONTHS, 1)}),
    "度。",
)
WIND: Node = (
    one_of(*DIRECTIONS, name="direction"),
    "风，平均",
    Pick({str(level): _wind(level) for level in LEVELS}, name="level"),
    "级。",
)
MORE: tuple[Node, ...] = (
    one_of(("相对湿度", numbers(range(31, 99)), "%。"), ("气压", numbers(range(970, 1041)), "百帕。")),
    ("日出", Recall("month", {str(number): _sun(month) for number, month in enumerate(MONTHS, 1)}), "分。"),
    (one_of("小雨", "雾", "阵雨", "扬尘", "雷电", "高温"), "将持续到", CLOCK, "。"),
    one_of(("高潮", CLOCK, "和", CLOCK, "。"), ("能见度", numbers(range(1, 41)), "公里。")),
    ("道路", one_of("畅通", "拥堵", "湿滑", "封闭"), "，列车", one_of("正点", "晚点", "停运"), "。"),
    ("空气质量", one_of("优", "良", "一般", "较差"), "，花粉浓度", one_of("高", "中", "低"), "。"),
    ("降水概率", numbers(range(0, 100, 10)), "%，紫外线", numbers(range(1, 6)), "级。"),
    ("今夜", SKY, "，明晨", SKY, "，明天", SKY, "转", SKY, "。"),
    ("后天", SKY, "，大后天", SKY, "。"),
    ("宜", one_of("晨练", "洗车", "晾晒", "郊游", "登山", "垂钓"), "，水温", numbers(range(4, 29)), "度。"),
)
GOING_ON = (0.9, 0.9, 0.9, 0.9, 0.85, 0.85, 0.85, 0.85, 0.8, 0.8)  # chances of each of these after the one before
AFTERWARDS = ("减弱", "增强", "停息", "回落", "转向", "再起")
WIND_AGAIN = Recall(
    "direction",
    {direction: maybe(0.7, (CLOCK, f"起{direction}风", one_of(*AFTERWARDS), "。")) for direction in DIRECTIONS},
)
WARNING = Recall(
    "level",
    {
        str(level): maybe(0.7, (f"大风{colour}色预警，", one_of("船只", "行人", "车辆", "航班"), "注意安全。"))
        for level, colour in WARNINGS.items()
    },
)
CLOSE: Node = (Recall("place", {place: place for place in PLACES}), "气象台", CLOCK, "发布。\n")
BULLETIN: Node = (HEAD, maybe(0.85, TEMPERATURES), maybe(0.85, WIND), chain(MORE, GOING_ON), WIND_AGAIN, WARNING, CLOSE)


def _month_of(number: str) -> Month | None:
    return MONTHS[int(number) - 1] if 1 <= int(number) <= len(MONTHS) else None


def _high_fits(low: str, high: str) -> bool:
    return int(high) - int(low) in SPREADS


def _low_fits(number: str, low: str) -> bool:
    month = _month_of(number)
    return month is not None and int(low) in month.lows


def _sun_fits(number: str, hour: str) -> bool:
    month = _month_of(number)
    return month is not None and int(hour) == month.sunrise


def _gust_fits(level: str, gust: str) -> bool:
    return int(gust) - int(level) in GUSTS


def _warning_fits(level: str, colour: str) -> bool:
    return WARNINGS.get(int(level)) == colour


_MONTH = re.compile(r"，([0-9]{1,2})月")
_LEVEL = re.compile(r"风，平均([0-9]{1,3})级")
_LOW = re.compile(r"最低气温(-?[0-9]{1,3})度")
BONDS = (
    Bond("gust", "gusts are stronger than the wind", _LEVEL, re.compile(r"阵风([0-9]{1,3})级"), _gust_fits),
    Bond("degrees", "the high temperature is above the low one", _LOW, re.compile(r"最高(-?[0-9]{1,3})度"), _high_fits),
    Bond("temperature", "the low temperature fits the month", _MONTH, _LOW, _low_fits),
    Bond("sunrise", "the hour of sunrise fits the month", _MONTH, re.compile(r"日出([0-9]{1,3})时"), _sun_fits),
    Bond(
        "wind",
        "the wind’s direction returns",
        re.compile(r"。(\w{1,2})风，平均"),
        re.compile(r"分起(\w{1,2})风"),
        same,
    ),
    Bond("warning", "the warning’s colour fits the wind’s force", _LEVEL, re.compile(r"大风(\w)色预警"), _warning_fits),
    Bond(
        "place",
        "the place named first returns at the end",
        re.compile(r"^(\w{1,9})，"),
        re.compile(r"。(\w{1,9})气象台"),
        same,
        always=True,
    ),
)
CHINESE = Language("Chinese", BULLETIN, BONDS)
