"""Scenes of chapter 03, *Rules inside*."""
