"""A network with which a measurement takes a second instead of a minute."""

from benchmarks.reference import NetworkSizes

TINY = NetworkSizes(vocabulary=340, embedding=8, encoder=8, decoder=12, attention=8, readout=8)
