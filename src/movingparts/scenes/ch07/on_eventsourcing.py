"""The view of the map on the library eventsourcing, and ours, from the same reports.

Source: PyPI's eventsourcing 9.5, its module `projection`. Leaves out: PostgreSQL,
where the library's `ProjectionRunner` waits for new events by itself.
"""

from __future__ import annotations

import sqlite3
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing import projection
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.sqlite import SQLiteDatastore, SQLiteTrackingRecorder

from movingparts.projection import Projection
from movingparts.scenes.ch07.public import log_of_a_day
from movingparts.scenes.ch07.stations import BIKES, CHANGE, count_bikes

BY = {"BikeDocked": 1, "BikeLeft": -1}


class Station(Aggregate):
    """A station that records what its docks report."""

    class BikesChanged(Aggregate.Event):
        """A bike came (1) or went (-1)."""

        station: str
        by: int

    def __init__(self, name: str) -> None:
        self.name = name

    @staticmethod
    def create_id(name: str) -> UUID:
        """Return its id, which has to be a UUID."""
        return uuid5(NAMESPACE_URL, name)

    @event(BikesChanged)
    def change(self, station: str, by: int) -> None:
        """Take in a bike (1), or let one go (-1)."""


class Stations(Application[UUID]):
    """The write side: loads a station, changes it, and saves its events."""

    def report(self, name: str, by: int) -> int:
        """Record what a dock reports, and return the event's position in the log."""
        key = Station.create_id(name)
        known = key in self.repository
        station: Station = self.repository.get(key) if known else Station(name)
        station.change(name, by)
        return self.save(station)[-1].notification.id


class BikesView(SQLiteTrackingRecorder):
    """How many bikes are at each station, in an SQLite file."""

    def construct_create_table_statements(self) -> list[str]:
        """Return the statements that create the view and the library's own table."""
        return [*super().construct_create_table_statements(), BIKES]

    def change(self, station: str, by: int, tracking: Tracking) -> None:
        """Change the view, and save the checkpoint, in one transaction."""
        with self.datastore.transaction(commit=True) as db:
            self._insert_tracking(db, tracking)  # fails if it is there already
            db.execute(CHANGE, (station, by))

    def bikes(self) -> dict[str, int]:
        """Return how many there are."""
        with self.datastore.transaction(commit=False) as db:
            db.execute("SELECT station, bikes FROM bikes")
            return {row["station"]: row["bikes"] for row in db.fetchall()}


class CountBikes(projection.Projection[BikesView]):
    """Gets each event, and where it is in the log."""

    def process_event(self, event: Any, tracking: Tracking) -> None:
        """Apply one event to the view."""
        if isinstance(event, Station.BikesChanged):
            self.view.change(event.station, event.by, tracking)


def catch_up(app: Stations, view: BikesView) -> None:
    """Apply what the log has beyond the view."""
    after = view.max_tracking_id(app.name)
    for each in app.recorder.select_notifications((after or 0) + 1, 1_000):
        tracking = Tracking(app.name, each.id)
        event = app.mapper.to_domain_event(each)
        CountBikes(view).process_event(event, tracking)


def both_views(reports: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return the library's view of so many reports, and ours."""
    log = log_of_a_day()[:reports]
    env = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": ":memory:"}
    with Stations(env) as app:
        for each in log:
            app.report(each.data["station"], BY[each.type])
        store = SQLiteDatastore(":memory:")
        view = BikesView(store)
        view.create_table()
        catch_up(app, view)
        theirs = view.bikes()
        store.close()
    db = sqlite3.connect(":memory:", isolation_level=None)
    Projection(db, count_bikes, tables=[BIKES]).save(log)
    ours = dict(db.execute("SELECT station, bikes FROM bikes").fetchall())
    db.close()
    return theirs, ours
