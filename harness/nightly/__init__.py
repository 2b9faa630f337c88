"""The nightly job: what a night measured, confirmed, summed up and left behind."""
