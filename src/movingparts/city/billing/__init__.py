"""Billing, a generic context: what a ride costs, and that it is charged exactly once.

A ride is *available* here when the rider's payment for the ride is authorized.
"""
