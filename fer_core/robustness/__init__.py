"""How a model fares on worse pictures: corruptions in five levels, and what-if changes of one face."""
