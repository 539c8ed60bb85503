"""Network architectures that no library provides; their published weights are loaded without running foreign code."""
