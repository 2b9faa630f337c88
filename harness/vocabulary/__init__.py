"""The vocabulary: what to train, declared once for every framework.

Inside half. It imports no other room.
"""
