"""Larkhaven, the bike-share city that the book's services run.

``city.synthetic`` makes the city and its demand from a seed; ``city.trips`` reads
the trip history of a real one; both speak of a ``Ride`` (``city.ride``).
"""
