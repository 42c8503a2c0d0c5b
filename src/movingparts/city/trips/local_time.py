"""What a clock on the wall meant: local times, and the hours it doubles or skips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Change = Literal["doubled", "skipped"]

_REMEMBERED = 10_000
"""Hours, more than a year of them: what a clock remembers of its offsets."""


class WallClock:
    """The clock of a zone, read without its offset.

    A time in the hour that autumn doubles stands for two instants: ``fold=0`` is the
    first, ``fold=1`` the second. A time in the hour that spring skips stands for none:
    ``fold=0`` reads it as if the clock had not been changed yet, ``fold=1`` as if it
    had been changed already (PEP 495).

    >>> clock = WallClock(ZoneInfo("Europe/London"))
    >>> clock.instant(datetime(2026, 10, 25, 1, 30))
    (datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.timezone.utc), 'doubled')
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        # By hour: what this clock showed in 1970, had it always been as in that hour.
        self._epochs: dict[int, datetime | None] = {}

    def instant(self, local: datetime) -> tuple[datetime, Change | None]:
        """The instant of a naive local time, and what a clock change did to it.

        Raises: OverflowError at either end of the calendar.
        """
        hour = local.toordinal() * 24 + local.hour
        if hour not in self._epochs:
            if len(self._epochs) >= _REMEMBERED:
                self._epochs.clear()
            self._epochs[hour] = self._epoch_all_through(local)
        epoch = self._epochs[hour]
        if epoch is not None:
            return _EPOCH + (local - epoch), None
        first, second = (self._offset(local.replace(fold=fold)) for fold in (0, 1))
        change: Change | None = None
        if first != second:
            change = "doubled" if first > second else "skipped"
        return local.replace(tzinfo=self.zone).astimezone(UTC), change

    def _epoch_all_through(self, local: datetime) -> datetime | None:
        """The local time of the epoch, or None where the clock changes in this hour."""
        first = local.replace(minute=0, second=0, microsecond=0)
        last = local.replace(minute=59, second=59, microsecond=999_999)
        offsets = {
            self._offset(moment.replace(fold=fold))
            for moment in (first, last)
            for fold in (0, 1)
        }
        offset = offsets.pop()
        return None if offsets else _EPOCH.replace(tzinfo=None) + offset

    def _offset(self, local: datetime) -> timedelta:
        return local.replace(tzinfo=self.zone).utcoffset() or timedelta(0)
