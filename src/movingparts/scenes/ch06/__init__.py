"""Scenes of chapter 06, *Promises across services*."""
