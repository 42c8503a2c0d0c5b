"""Riders, a supporting context: accounts, passes, and what is known of people.

A rider is *available* here when the rider may ride: signed up, and not suspended.
"""
