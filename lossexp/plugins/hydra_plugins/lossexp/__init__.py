"""Hydra plugins of lossexp. Hydra imports them at the start of every program, so they import nothing heavy."""
