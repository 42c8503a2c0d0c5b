"""Availability, the core context: a bike that can be promised to a rider.

A bike is *available* here when it can be promised to a rider at a station for the next
ten minutes. That is what the city sells; the other contexts see that it can.
"""
