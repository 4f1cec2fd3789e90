"""lossexp: compare loss functions, honestly and fast."""

__version__ = "0.1.0"
