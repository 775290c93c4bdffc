"""One file for each thing that coopinfra does; the only place that combines the rooms below."""
