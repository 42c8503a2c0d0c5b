"""What each chapter breaks, and what its exercises build on: one package a chapter."""
