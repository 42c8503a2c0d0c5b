"""Billing, a generic context: what a ride costs, and that it is charged exactly once.

A ride is *available* to a rider here when her payment for it is authorized.
"""
