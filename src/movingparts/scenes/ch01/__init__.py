"""Scenes of chapter 01, *One ride, two services*."""
