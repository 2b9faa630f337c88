"""Programs of users under two sides: their traces read, aligned, judged and put into words.

Outside half.
"""
