"""The questions asked of speed: `make bench` asks all of them in one run and writes docs/benchmarks.md."""
