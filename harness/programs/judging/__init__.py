"""Two sides of a program judged: allowances, causes, harm and the verdict."""
