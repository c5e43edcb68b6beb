//! Empty on purpose: see this package's description. Nothing here is ever compiled into a program.
