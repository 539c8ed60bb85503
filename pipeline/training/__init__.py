"""Models of the MuVi study on a dataset: train, evaluate, predict."""
