"""What the temperatures of weather bulletins are, in whatever language."""

from __future__ import annotations

SEASONS = {"winter": range(-6, 2), "spring": range(4, 12), "summer": range(14, 22), "autumn": range(6, 14)}
"""The low temperatures that a season may have, in degrees, all as likely as each other."""

MONTHS = tuple(
    SEASONS[season]
    for season in (
        *("winter", "winter", "spring", "spring", "spring", "summer"),
        *("summer", "summer", "autumn", "autumn", "autumn", "winter"),
    )
)
"""Those of each month, January first."""

SPREADS = range(3, 9)
"""Degrees from the low temperature to the high one."""
