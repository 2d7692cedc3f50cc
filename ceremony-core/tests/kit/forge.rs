//! `.zkey` files as lists of sections, for tests that alter them.
