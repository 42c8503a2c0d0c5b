"""Rides, a supporting context: who is on the way, with which bike, since when.

A bike is *available* here when it is not on a ride.
"""
