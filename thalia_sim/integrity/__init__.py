"""Reading HDF5 files of this package so that damage is told and never read as data."""
