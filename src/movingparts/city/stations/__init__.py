"""Stations, a supporting context: docks, what is locked in them, what they report.

A bike is *available* here when it is locked in a working dock.
"""
