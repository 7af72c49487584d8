"""Programs under perturbed inputs and weights: the worst case of each row, and the check of a program."""
