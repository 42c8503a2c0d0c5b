"""Scenes of chapter 02, *Words and borders*."""
