"""Comparing losses: the statistics, as functions of scores and predictions. Nothing here trains or writes."""
