"""Availability's aggregates in tables, as SQLAlchemy sees them.

The model is left as it is. What is mapped are classes of its own, derived from the
model's, so that nobody else's stands change their nature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.ext.associationproxy import association_proxy

from movingparts.city.availability.model import Bike, BikeId, Reservation, Rider, Stand

# --- tables -----------------------------------------------------------------------


class Instant(sa.TypeDecorator[datetime]):
    """A time in UTC, for databases that keep none of its zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: object) -> Any:
        """Leave the zone away."""
        return value and value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: object) -> Any:
        """Return the time with its zone."""
        return value and value.replace(tzinfo=UTC)


def _reservation(prefix: str = "") -> list[sa.Column[Any]]:
    """A value needs no table of its own: a column for each of its parts."""
    names = [prefix + part.name for part in fields(Reservation)]
    return [sa.Column(n, Instant if n.endswith("until") else sa.String) for n in names]


TABLES = sa.MetaData()
STANDS = sa.Table(
    "stands",
    TABLES,
    sa.Column("stand_id", sa.String, primary_key=True),
    sa.Column("asked_at", Instant),
    sa.Column("version", sa.Integer, nullable=False),
)
OFFERS = sa.Table(
    "offers",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True),  # in the order of their coming
    sa.Column("stand_id", sa.ForeignKey(STANDS.c.stand_id), index=True),
    sa.Column("bike_id", sa.String),
    sa.Column("at", Instant),
)
PROMISES = sa.Table(
    "promises",
    TABLES,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("stand_id", sa.ForeignKey(STANDS.c.stand_id), index=True),
    *_reservation(),
)
RIDERS = sa.Table(
    "riders",
    TABLES,
    sa.Column("rider_id", sa.String, primary_key=True),
    sa.Column("admitted", sa.Boolean),
    *_reservation("promised_"),
    *_reservation("served_"),
    sa.Column("admitted_at", Instant),
    sa.Column("version", sa.Integer, nullable=False),
)
BIKES = sa.Table(
    "bikes",
    TABLES,
    sa.Column("bike_id", sa.String, primary_key=True),
    sa.Column("stand_id", sa.String),
    sa.Column("in_a_dock", sa.Boolean),
    sa.Column("fit", sa.Boolean),
    sa.Column("moved_at", Instant),
    sa.Column("fitness_at", Instant),
    *_reservation("collected_"),
    sa.Column("version", sa.Integer, nullable=False),
)

# --- how the model's classes lie in them --------------------------------------------


@dataclass(eq=False)
class Offer:
    """A row of `Stand.bikes`."""

    bike_id: BikeId
    at: datetime


@dataclass(eq=False)
class Promise:
    """A row of `Stand.promised`."""

    reservation: Reservation


@cache
def watched() -> Mapping[type, Any]:
    """Return, for each class of the model, the one whose changes SQLAlchemy sees."""
    maps = orm.registry()
    maps.map_imperatively(Offer, OFFERS)
    value = {"reservation": _value(PROMISES)}
    maps.map_imperatively(Promise, PROMISES, properties=value)
    rows = {"_offers": _dict(Offer, OFFERS), "_promises": _dict(Promise, PROMISES)}
    stand = _mapped(maps, Stand, STANDS, rows)
    stand.bikes = association_proxy("_offers", "at", creator=Offer)
    stand.promised = association_proxy(
        "_promises", "reservation", creator=lambda _, promised: Promise(promised)
    )
    now, once = _value(RIDERS, "promised_"), _value(RIDERS, "served_")
    rider = _mapped(maps, Rider, RIDERS, {"reservation": now, "served": once})
    bike = _mapped(maps, Bike, BIKES, {"collected": _value(BIKES, "collected_")})
    return {Stand: stand, Rider: rider, Bike: bike}


def _mapped(maps: orm.registry, kind: type, table: sa.Table, more: Any) -> Any:
    mapped = type(kind.__name__, (kind,), {})
    # A version counts events here, not commits, so `_save` sets it.
    version = {
        "version_id_col": table.c.version,
        "version_id_generator": False,
    }
    maps.map_imperatively(mapped, table, properties=more, **version)
    event.listen(mapped, "load", lambda it, _: it.__post_init__())
    return mapped


def _value(table: sa.Table, prefix: str = "") -> Any:
    columns = [table.c[prefix + part.name] for part in fields(Reservation)]
    return orm.composite(Reservation, *columns, return_none_on=lambda key, *_: not key)


def _dict(kind: type, table: sa.Table) -> Any:
    return orm.relationship(
        kind,
        collection_class=orm.attribute_keyed_dict("bike_id"),
        order_by=table.c.number,
        cascade="all, delete-orphan",
        lazy="selectin",  # with its stand, in the same transaction
    )
