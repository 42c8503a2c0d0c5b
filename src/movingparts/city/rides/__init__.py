"""Rides, a supporting context: who is riding, on which bike, since when.

A bike is *available* here when it is not on a ride.
"""
