"""Benchmarks: what a call costs, how near the pipeline comes to a service's limits, what a storm
of faults leaves. Run by ``make bench``; nothing here is a timed test.
"""
