"""Riders, a supporting context: accounts, passes, and what is known of people.

A bike is *available* to somebody here when she may ride: signed up, and not suspended.
"""
