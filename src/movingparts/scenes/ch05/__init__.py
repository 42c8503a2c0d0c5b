"""Scenes of chapter 05, *Facts on a bus*."""
