"""Network architectures that no library carries, each loading its published weights without running their code."""
